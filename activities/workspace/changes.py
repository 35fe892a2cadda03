"""What changed between two trees: the front door of deltas, of the text that people read, and of `apply`."""

from activities.workspace.applying import Applied, apply_to_folder
from activities.workspace.branches import MadeBranch, apply_to_branch
from activities.workspace.deltas import Change, Delta, apply_delta, diff
from activities.workspace.unified_diff import file_changes, file_counts, unified_diff

__all__ = [
    "Applied",
    "Change",
    "Delta",
    "MadeBranch",
    "apply_delta",
    "apply_to_branch",
    "apply_to_folder",
    "diff",
    "file_changes",
    "file_counts",
    "unified_diff",
]
