"""Converts a file: reads it once, block by block, and writes one file or, for Parquet, one per split."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from pseudoexp.bunch import Bunch
from pseudoexp.converting import parquet, root, salt
from pseudoexp.converting.columns import CONVERTED, TRACKS, Column, Rows
from pseudoexp.converting.source import GROUP_BYTES, Gathered, Source, in_rows
from pseudoexp.core.files import real_place, require_writable, whole_file
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.splits import RESIDUES, residues
from pseudoexp.errors import ConfigError
from pseudoexp.production.spool import only_writer

SPLIT_FILES = {"parquet": {"train": "train.parquet", "val": "validation.parquet", "test": "test.parquet"},
               "salt": {split: f"{split}.h5" for split in RESIDUES}}
"""Files of the splits in a folder; those of Parquet are what Hugging Face `datasets` looks for."""
Target = tuple[Path, "str | None"]


class _Format(Protocol):
    def __init__(self, file: BinaryIO, columns: tuple[Column, ...], attributes: dict[str, str]) -> None: ...
    def write(self, rows: Rows) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write what was held back; the file is whole."""


FORMATS: dict[str, tuple[Callable[[], None], type[_Format]]] = {
    "parquet": (parquet.require, parquet.ParquetFile), "root": (root.require, root.RootFile),
    "salt": (salt.require, salt.SaltFile)}


def convert(path: str | Path, out: str | Path, *, to: str, split: str | None = None, columns: Sequence[str] | None = None,
            force: bool = False, progress: Callable[[str, int, int], None] | None = None) -> Bunch:
    """Write a dataset in another format.

    Parameters
    ----------
    path : str or Path
        The dataset; of a shard the attribute `shard` says which part of its production it is.
    out : str or Path
        The file to write; for Parquet a name without ``.parquet`` is a folder that gets one file per split
        (`train.parquet`, `validation.parquet`, `test.parquet`).
    to : {"parquet", "root", "salt"}
        The format; Salt's is always a folder: `train.h5`, `val.h5`, `test.h5`, `norm_dict.yaml`, `class_dict.yaml`, `salt.yaml`.
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
        `path`, `to`, `rows` (by file name), `columns`, `bytes`, `seconds`, `left_out` (datasets that no format takes).

    Raises
    ------
    ConfigError
        For a wrong option, or a place that cannot be written to.
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
    require, kind = FORMATS[to]
    require()
    if to == "salt" and columns is not None:
        raise ConfigError("columns: Salt's files hold all of them; its inputs stand in salt.yaml")
    source = Source.of(probe(path), columns)
    targets = _targets(out, to, split)
    _check_places(out, [target for target, _ in targets], force)
    start = time.monotonic()
    with only_writer(real_place(out)):
        rows = _write(source, targets, kind, out, progress or (lambda stage, done, total: None))
    return Bunch(path=out, to=to, rows=rows, columns=[column.name for column in source.columns],
                 bytes=sum(target.stat().st_size for target, _ in targets), seconds=time.monotonic() - start,
                 left_out=[name for name in source.info.datasets if name not in CONVERTED])


def _targets(out: Path, to: str, split: str | None) -> list[Target]:
    if to == "root" or (to == "parquet" and out.suffix == ".parquet"):
        return [(out, split)]
    if split is not None:
        raise ConfigError(f"split {split!r}: a folder gets all splits; allowed: --out NAME.parquet for one")
    return [(out / name, its) for its, name in SPLIT_FILES[to].items()]


def _check_places(out: Path, targets: list[Path], force: bool) -> None:
    folder = out not in targets
    if not out.name or (out.is_dir() and not folder):
        raise ConfigError(f"{out}: is a folder; allowed: the name of a file")
    if folder and out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file; allowed: a folder, or for Parquet NAME.parquet")
    if not out.absolute().parent.is_dir():
        raise ConfigError(f"{out}: the folder {out.parent} does not exist")
    for target in targets:
        if target.is_dir():
            raise ConfigError(f"{target}: is a folder; allowed: the name of a file")
        if target.exists() and not force:
            raise ConfigError(f"{target} exists; --force replaces it")
    require_writable(out / "x" if out.is_dir() else out)


def _write(source: Source, targets: list[Target], kind: type[_Format], out: Path, tell: Callable[[str, int, int], Any]
           ) -> dict[str, int]:
    """Write all files under temporary names, then bring all to their own: whoever interrupts that finds none of them.

    Old files go before the first new one comes, so that splits of two conversions never mix.
    """
    published: list[Path] = []
    with ExitStack() as stack:
        if out not in [target for target, _ in targets]:
            _make_folder(stack, out)
        stack.push(lambda failure, error, trace: _remove(published) if failure is not None else None)
        drafts = {target: stack.enter_context(whole_file(target)) for target, _ in targets}
        files = [stack.enter_context(closing(kind(drafts[target], source.columns, source.attributes(split))))
                 for target, split in targets]
        counts = _stream(source, [split for _, split in targets], files, tell)
        for file in files:
            file.close()
        if kind is salt.SaltFile:
            for name, text in _texts(source, cast(list[salt.SaltFile], files), out).items():
                drafts[out / name] = stack.enter_context(whole_file(out / name))
                drafts[out / name].write(text.encode())
        for draft in drafts.values():  # now, so that what follows takes no time
            draft.flush()
            os.fsync(draft.fileno())
        published += drafts
        _remove(published)
    return {target.name: count for (target, _), count in zip(targets, counts, strict=True)}


def _remove(paths: list[Path]) -> None:
    for path in paths:
        real_place(path).unlink(missing_ok=True)


def _texts(source: Source, files: list[salt.SaltFile], folder: Path) -> dict[str, str]:
    tracks = source.info.datasets[TRACKS].shape[1] if TRACKS in source.datasets else 0
    return salt.texts(files, folder, source.info.classes, tracks)


def _make_folder(stack: ExitStack, folder: Path) -> None:
    if folder.exists():
        return
    folder.mkdir()
    stack.push(lambda failure, error, trace: folder.rmdir() if failure is not None and not any(folder.iterdir()) else None)


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
