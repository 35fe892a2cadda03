"""The faces of findings, each a function of the same records.

text          for people: excerpt, carets, colours
objects       for programs: JSON
sarif         for code scanning and editors: SARIF 2.1.0
annotations   for GitHub Actions: workflow commands that become annotations of a pull request
paths         how a file is named in the last two
"""

from definitions.rendering.annotations import render_annotations
from definitions.rendering.objects import render_json
from definitions.rendering.sarif import render_sarif
from definitions.rendering.text import render_text, width_of

__all__ = ["render_annotations", "render_json", "render_sarif", "render_text", "width_of"]
