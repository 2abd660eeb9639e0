"""Converts a file: reads it once, block by block, and writes one file or, for Parquet, one per split."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pseudoexp.bunch import Bunch
from pseudoexp.converting import parquet, root
from pseudoexp.converting.columns import Column, Rows
from pseudoexp.converting.source import GROUP_BYTES, Gathered, Source, in_rows
from pseudoexp.core.files import require_writable, whole_file
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.splits import RESIDUES, residues
from pseudoexp.errors import ConfigError

FORMATS = ("parquet", "root")
SPLIT_FILES = {"train": "train.parquet", "val": "validation.parquet", "test": "test.parquet"}
"""Names by which Hugging Face `datasets` knows the splits of a folder."""
Target = tuple[Path, "str | None"]


class _Format(Protocol):
    def __init__(self, file: BinaryIO, columns: tuple[Column, ...], attributes: dict[str, str]) -> None: ...
    def write(self, rows: Rows) -> None: ...
    def close(self) -> None: ...


def convert(path: str | Path, out: str | Path, *, to: str, split: str | None = None, columns: Sequence[str] | None = None,
            force: bool = False, progress: Callable[[str, int, int], None] | None = None) -> Bunch:
    """Write a dataset in another format.

    Parameters
    ----------
    path : str or Path
        The dataset.
    out : str or Path
        The file to write; for Parquet a name without ``.parquet`` is a folder that gets one file per split
        (`train.parquet`, `validation.parquet`, `test.parquet`).
    to : {"parquet", "root"}
        The format.
    split : {"train", "val", "test"} or None, optional
        The rows of one file; all by default.
    columns : sequence of str, optional
        Columns by their names in the converted file (`pt`, `tracks_d0`, `mcEventWeights_fsr_muR_2`), ``"inputs"`` for the
        39 inputs, or a dataset's name for all of its columns; everything by default.
    force : bool, optional
        Replace existing files.
    progress : callable, optional
        Called as ``progress(stage, rows_done, rows)``.

    Returns
    -------
    Bunch
        `path`, `to`, `rows` (by file name), `columns`, `bytes`, `seconds`.

    Raises
    ------
    ConfigError
        For a wrong option, a shard, or a place that cannot be written to.
    SchemaError
        For a file that is foreign, truncated or damaged.
    MissingExtra
        If the package that writes the format is not installed.
    """
    out = Path(out)
    if to not in FORMATS:
        raise ConfigError(f"format {to!r}; allowed: {', '.join(FORMATS)}")
    if isinstance(columns, str):
        raise ConfigError(f"columns {columns!r}; allowed: a sequence of names")
    residues(split)
    (parquet if to == "parquet" else root).require()
    source = Source.of(probe(path), columns)
    targets = _targets(out, to, split)
    _check_places(out, [target for target, _ in targets], force)
    start = time.monotonic()
    rows = _write(source, targets, parquet.ParquetFile if to == "parquet" else root.RootFile, out,
                  progress or (lambda stage, done, total: None))
    return Bunch(path=out, to=to, rows={target.name: count for (target, _), count in zip(targets, rows, strict=True)},
                 columns=[column.name for column in source.columns], bytes=sum(target.stat().st_size for target, _ in targets),
                 seconds=time.monotonic() - start)


def _targets(out: Path, to: str, split: str | None) -> list[Target]:
    if to == "parquet" and out.suffix != ".parquet":
        if split is not None:
            raise ConfigError(f"split {split!r}: a folder gets all splits; allowed: --out NAME.parquet for one")
        return [(out / SPLIT_FILES[name], name) for name in RESIDUES]
    return [(out, split)]


def _check_places(out: Path, targets: list[Path], force: bool) -> None:
    folder = out not in targets
    if not out.name or (out.is_dir() and not folder):
        raise ConfigError(f"{out}: is a folder; allowed: the name of a file")
    if folder and out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file; allowed: a folder, or NAME.parquet for a single file")
    if not out.absolute().parent.is_dir():
        raise ConfigError(f"{out}: the folder {out.parent} does not exist")
    for target in targets:
        if target.is_dir():
            raise ConfigError(f"{target}: is a folder; allowed: the name of a file")
        if target.exists() and not force:
            raise ConfigError(f"{target} exists; --force replaces it")
    require_writable(out / "x" if out.is_dir() else out)


def _write(source: Source, targets: list[Target], kind: type[_Format], out: Path, tell: Callable[[str, int, int], Any]
           ) -> list[int]:
    """Write all files under temporary names; the old ones go before the first new one comes, so that splits never mix."""
    with ExitStack() as stack:
        if out not in [target for target, _ in targets]:
            _make_folder(stack, out)
        files = [stack.enter_context(closing(kind(stack.enter_context(whole_file(target)), source.columns,
                                                  source.attributes(split)))) for target, split in targets]
        counts = _stream(source, [split for _, split in targets], files, tell)
        for file in files:
            file.close()
        for target, _ in targets:
            target.unlink(missing_ok=True)
    return counts


def _make_folder(stack: ExitStack, folder: Path) -> None:
    if folder.exists():
        return
    folder.mkdir()
    stack.push(lambda kind, error, trace: folder.rmdir() if kind is not None and not any(folder.iterdir()) else None)


def _stream(source: Source, splits: list[str | None], files: list[_Format], tell: Callable[[str, int, int], Any]) -> list[int]:
    groups = [Gathered(max(1, GROUP_BYTES // source.row_bytes())) for _ in splits]
    counts, done = [0] * len(splits), 0
    for block in source.blocks():
        tell("converting", done, source.info.rows)
        for i, (split, file, group) in enumerate(zip(splits, files, groups, strict=True)):
            mine = in_rows(block, split)
            counts[i] += len(mine["jets"])
            for rows in group.add(mine):
                file.write(rows)
        done += len(block["jets"])
    for file, group in zip(files, groups, strict=True):
        for rows in group.rest():
            file.write(rows)
    tell("converting", done, source.info.rows)
    return counts
