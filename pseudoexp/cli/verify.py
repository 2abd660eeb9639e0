"""``pseudoexp verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(file: Annotated[Path, typer.Argument(help="A dataset.")]) -> None:
    """Recompute the hashes of a dataset; names the first damaged block. Exit code 1 if anything differs."""
    from pseudoexp.dataset.verify import verify as check

    checked = check(file)
    typer.echo(f"{file}: {checked.info.rows} rows, dataset hash {checked.dataset_hash} as written")
    typer.echo(f"sha256 {checked.sha256} as in the sidecar" if checked.sha256 else "no sidecar with the file's SHA-256")
