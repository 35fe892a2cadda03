"""Make a sample repository: `python -m tools.samples NAME FOLDER`."""

from pathlib import Path

import click

from tools.samples import SAMPLES


@click.command()
@click.argument("name", type=click.Choice(sorted(SAMPLES)))
@click.argument("folder", type=click.Path(path_type=Path))
def main(name: str, folder: Path) -> None:
    """Make the sample repository for the catalog definition NAME in FOLDER."""
    click.echo(SAMPLES[name].make(folder))


if __name__ == "__main__":
    main()
