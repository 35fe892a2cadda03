"""Sample repositories for the catalog: small, made by a script, the same commit ids each time.

    python -m tools.samples raise-coverage FOLDER

Each module holds one sample: the commits of its history, the inputs of the definition that it is for,
and `script`, the file beside it that tells the scripted agent what to answer and to write.
"""

from tools.samples import (
    bug_lifecycle,
    discovery_to_architecture,
    fix_typing_errors,
    raise_coverage,
    reviewed_change,
)
from tools.samples.making import Sample

SAMPLES: dict[str, Sample] = {
    one.SAMPLE.definition: one.SAMPLE
    for one in (raise_coverage, fix_typing_errors, reviewed_change, bug_lifecycle, discovery_to_architecture)
}
"""By the name of the catalog definition that each is for."""

__all__ = ["SAMPLES", "Sample"]
