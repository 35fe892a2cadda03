"""Loads the corpus in a process of its own, whose memory is bounded: `python -m tests.hostile.play`.

One line of JSON a case on stdout: what was found, what it cost, and the promise that was broken, if one was.
"""

import json
import resource
import sys
import time
import traceback

from tests.hostile.corpus import corpus
from tests.hostile.soundness import examine

MEMORY = 1 << 30
"""Bytes of address space: a bomb that unfolds ends here, and not the machine."""


def main() -> None:
    """Load every case."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name, case in corpus().items():
        before, started = _peak(), time.process_time()
        codes: list[str] = []
        try:
            codes = sorted({finding.code for finding in examine(case.content).diagnostics})
            fault = None
        except BaseException:
            fault = traceback.format_exc()[-2000:]
        line = {
            "name": name,
            "codes": codes,
            "fault": fault,
            "seconds": time.process_time() - started,
            "memory": _peak() - before,
        }
        sys.stdout.write(json.dumps(line) + "\n")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
