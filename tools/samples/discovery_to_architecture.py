"""An empty repository for a product that is not there yet: a shop for second-hand bicycles."""

from tools.samples.making import Commit, Sample

_README = """\
# Bicycles again

Nothing is here yet.
"""

SAMPLE = Sample(
    definition="discovery-to-architecture",
    inputs={
        "brief": "A shop for second-hand bicycles, with repairs by appointment",
        "constraints": "Python; one server; opens in April",
    },
    commits=(Commit("Say what shall be here", {"README.md": _README}),),
)
