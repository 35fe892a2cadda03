"""The S3 store of the shared set-up, versitygw, as a program of this machine.

`python -m tests.support.s3_gateway` brings it before tests run, as `make test` does; it prints nothing if it is there.
"""

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from definitions.errors import EnvironmentUnfit
from worker import leases
from worker.server_binary import cache_folder

VERSION = "v1.8.0"
_MODULE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"


def s3_gateway() -> Path:
    """Return the program: of PATH, of our cache, or built into it. Raises EnvironmentUnfit: never a skip."""
    if found := shutil.which("versitygw"):
        return Path(found)
    folder = cache_folder(os.environ)
    folder.mkdir(parents=True, exist_ok=True)
    with leases.exclusive(folder / "versitygw.lock", timedelta(minutes=10)):
        if not (folder / "versitygw").exists():
            _build(folder)
    return folder / "versitygw"


def _build(folder: Path) -> None:
    if not shutil.which("go"):
        raise EnvironmentUnfit("there is no `versitygw` on this machine", "install it, or Go, which builds it")
    building = folder / "versitygw-build"
    subprocess.run(["go", "install", _MODULE], env={**os.environ, "GOBIN": str(building)}, check=True, timeout=900)
    (building / "versitygw").replace(folder / "versitygw")
    building.rmdir()


def main() -> None:
    """Find or build it; without Go say so: tests on S3 then have moto's server only."""
    try:
        s3_gateway()
    except EnvironmentUnfit as error:
        print(f"{error}: tests that need a real S3 server are skipped", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
