"""What changed between two trees: the front door of deltas, of the text that people read, and of `apply`."""

from activities.workspace.applying import apply_to_folder
from activities.workspace.deltas import Change, Delta, apply_delta, diff
from activities.workspace.unified_diff import unified_diff

__all__ = ["Change", "Delta", "apply_delta", "apply_to_folder", "diff", "unified_diff"]
