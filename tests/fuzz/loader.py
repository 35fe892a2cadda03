"""A coverage-guided fuzzer of the loader: `python -m tests.fuzz.loader SECONDS`, part of `make fuzz`.

It begins with the hostile corpus, the fixtures of diagnostics and the catalog, and judges each text by
`tests.hostile.soundness`. A text that breaks a promise is written to `tests/hostile/found/`, where every later test
run tries it. Atheris (libFuzzer) is no dependency of Perdure, since it is not built for every platform:
`pip install atheris` before.
"""

import re
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports(include=["definitions"]):  # pyright: ignore
    import definitions.loader  # noqa: F401 # pyright: ignore[reportUnusedImport] - so that it is instrumented

from tests.hostile.corpus import FOUND, write_small
from tests.hostile.soundness import examine

ROOT = Path(__file__).parents[2]
SEEDS = ("definitions/catalog/*.yaml", "tests/definitions/diagnostics/*.yaml", "tests/definitions/examples/*.yaml")
LONGEST = 4096
SLOW = 2.0
"""Seconds: longer for so small a text is a finding, too."""
WORDS = (
    "steps", "inputs", "outputs", "type", "shell", "agent", "group", "command", "when", "needs", "condition", "values",
    "{{ ", " }}", "steps.a.outputs.", "default(", "- {id: a, ", ": ", "\n  ", "|\n", ">-\n", "&a ", "*a", "!!str ",
    "<<: ", "\ufeff", r"\ud83d\ude00", "$((", "<<E\n", "1e999",
)  # fmt: skip

_started = time.monotonic()
_reports_at = float("inf")
_cases = 0
_found: dict[str, Path] = {}


def one(content: bytes) -> None:
    """Judge one text."""
    global _cases, _reports_at  # noqa: PLW0603 - the fuzzer calls a plain function
    _cases += 1
    if time.monotonic() > _reports_at:  # libFuzzer ends the process without another word
        _reports_at = float("inf")
        seconds = time.monotonic() - _started
        sys.stderr.write(f"loader: {_cases} cases in {seconds:.0f} s, {len(_found)} findings\n")
    before = time.process_time()
    try:
        examine(content)
        if time.process_time() - before <= SLOW:
            return
        fault = "slow"
    except Exception as error:
        fault = f"{type(error).__name__}: {re.sub('[0-9]+', 'N', str(error))[:80]}"
    if fault not in _found:
        _found[fault] = FOUND / f"fuzz-{sha256(content).hexdigest()[:12]}.yaml"
        _found[fault].write_bytes(content)
        sys.stderr.write(f"found: {fault} -> {_found[fault].relative_to(ROOT)}\n")


def main(seconds: int) -> None:
    """Fuzz for so many seconds."""
    global _started, _reports_at  # noqa: PLW0603
    folder = Path(tempfile.mkdtemp(prefix="perdure-fuzz-"))
    count = write_small(folder)
    for path in (path for pattern in SEEDS for path in ROOT.glob(pattern)):
        (folder / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes()[:LONGEST])
        count += 1
    words = folder.with_suffix(".words")
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-dict={words}",
        "-verbosity=0",
        "-print_final_stats=0",
        "-timeout=60",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder)], one)
    sys.stderr.write(f"fuzzing the loader for {seconds} s, beginning with {count} texts\n")
    _started = time.monotonic()
    _reports_at = _started + seconds - 1
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
