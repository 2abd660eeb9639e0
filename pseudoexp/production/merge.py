"""Shards -> the file that one run would have made, byte for byte."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pseudoexp.bunch import Bunch
from pseudoexp.core.files import real_place, require_writable
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_json, sidecar
from pseudoexp.dataset.metadata import Provenance
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.verify import verify
from pseudoexp.dataset.writer import COMPRESSIONS, publish
from pseudoexp.errors import ConfigError, DataError, GenerationError, SchemaError
from pseudoexp.production.assemble import Order, assemble
from pseudoexp.production.chunk import PROCESS_NAMES, PackedChunk
from pseudoexp.production.plan import row_bytes
from pseudoexp.production.run import Progress, cause, check_place, summary
from pseudoexp.production.run_config import difference, parse_count, parse_float
from pseudoexp.production.shard import Shard, parse_shard
from pseudoexp.production.shard_file import ShardFile
from pseudoexp.production.spool import ASSEMBLY, Parts, parts_folder

MOST_NAMED = 20


def merge(shards: Sequence[str | Path], out: str | Path, *, n: int | float | str | None = None, compression: str = "none",
          force: bool = False, progress: Progress | None = None) -> Bunch:
    """Put shards together.

    Parameters
    ----------
    shards : sequence of str or Path
        The files of all shards i/n of one production, in any order; checksums among them are left out.
    out : str or Path
        The file to write.
    n : int, float or str, optional
        Rows; those that the shards were made for by default.
    compression : {"none", "lzf", "gzip"}, optional
        Compression of the datasets.
    force : bool, optional
        Replace an existing file.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    Bunch
        The summary, as of `generate`.

    Raises
    ------
    ConfigError
        If a file is no shard, one is there twice, or they were made differently.
    DataError
        If shards or chunks are missing.
    DamagedFile
        If the rows of a shard are not what they were.
    """
    path, tell, start = real_place(Path(out)), progress or (lambda stage, done, total: None), time.monotonic()
    if compression not in COMPRESSIONS:
        raise ConfigError(f"compression {compression!r}; allowed: {', '.join(COMPRESSIONS)}")
    killed = parts_folder(path).is_dir() and not any(parts_folder(path).glob("*.rows"))  # an earlier merge left it
    check_place(path, force, resume=False, leftover=killed)
    infos = [probe(file) for file in _files(shards)]
    of = _check_numbers(infos)
    order = _common_order(infos, n)
    _check_space(order, path)
    files: dict[int, ShardFile] = {}
    for done, info in enumerate(infos):
        tell("checking", done, len(infos))
        verify(info.path)
        shard = parse_shard(info.attributes["shard"])
        files[shard.number] = ShardFile(info, shard)
    with Parts(path, _Stored(infos[0]), resume=False, discard=force or killed) as parts:
        draft = parts.folder / ASSEMBLY
        try:
            total, yields = assemble(order, _Merged(files, of).read, draft, compression,
                                     lambda rows: tell("writing", rows, max(rows, order.n)))
            checksum = publish(draft, path)
        except OSError as error:
            raise GenerationError(f"{path}: {cause(error)}; the shards are as they were") from None
        parts.remove()
    return summary(order.provenance.seed, path, total, checksum, yields, time.monotonic() - start)


def _files(given: Sequence[str | Path]) -> list[Path]:
    """Return the shards among the files, each once."""
    paths = list(dict.fromkeys(Path(path) for path in given))
    names = set(paths)
    if unfinished := [path for path in paths if path.is_dir() and path.suffix == ".parts"]:
        raise ConfigError(f"{unfinished[0]}: an unfinished shard; finish it with the same command and --resume")
    files = [path for path in paths if not any(sidecar(other) == path for other in names)]
    if not files:
        raise ConfigError("no shard given; allowed: the files of all shards of one production")
    return files


def _check_numbers(infos: Sequence[FileInfo]) -> int:
    """Return of how many shards these are all."""
    found: dict[Shard, Path] = {}
    for info in infos:
        if "shard" not in info.attributes or schema.CHUNKS not in info.datasets:
            raise ConfigError(f"{info.path}: not a shard; allowed: files made with --shard")
        try:
            shard = parse_shard(info.attributes["shard"])
        except ConfigError as error:
            raise SchemaError(f"{info.path}: {error}") from None
        if shard in found:
            raise ConfigError(f"{found[shard]} and {info.path} overlap: both are shard {shard}")
        found[shard] = info.path
    first, *others = found
    for other in others:
        if other.of != first.of:
            raise ConfigError(f"{found[first]} is shard {first}, {found[other]} is shard {other}: they overlap; "
                              "allowed: shards of one division")
    if missing := [str(Shard(i, first.of)) for i in range(first.of) if Shard(i, first.of) not in found]:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        raise DataError(f"missing: shard {', '.join(missing[:MOST_NAMED])}{more}")
    return first.of


def _configuration(info: FileInfo) -> dict[str, Any]:
    return dict(json.loads(info.attributes["configuration"]))


def _common_order(infos: Sequence[FileInfo], n: Any) -> Order:
    """Return what the shards were made for, if that is the same for all."""
    wanted = _identity(infos[0])
    rows = _rows(infos[0]) if n is None else parse_count(n, "n")
    for info in infos[1:]:
        if found := difference(_identity(info), wanted):
            raise ConfigError(f"{info.path} was made with another configuration than {infos[0].path} ({found})")
        if n is None and _rows(info) != rows:
            raise ConfigError(f"{info.path} was made for n = {_rows(info)}, {infos[0].path} for {rows}; "
                              "--n says how many rows are wanted")
    layouts = [{name: (d.dtype, d.shape[1:]) for name, d in info.datasets.items()} for info in infos]
    for info, layout in zip(infos, layouts, strict=True):
        if layout != layouts[0]:
            raise SchemaError(f"{info.path}: holds other datasets or columns than {infos[0].path}")
    return _order(infos[0], wanted | {"n": rows})


def _rows(info: FileInfo) -> int:
    return parse_count(_configuration(info).get("n"), f"{info.path}: n")


def _identity(info: FileInfo) -> dict[str, Any]:
    """Return what names the rows, with the version that made the file."""
    configuration = _configuration(info) | {"package_version": info.attributes.get("package_version")}
    configuration.pop("n", None)
    return configuration


def _order(info: FileInfo, configuration: dict[str, Any]) -> Order:
    values = {name: value for name, value in configuration.items() if name != "package_version"}
    try:
        numbers = {name: int(values.get(name, 0)) for name in ("seed", "tracks", "images")}
        fraction = parse_float(values["signal_fraction"], f"{info.path}: signal_fraction", 0.0, 1.0)
        provenance = Provenance(canonical_json(values), str(info.attributes["configuration_hash"]), numbers["seed"],
                                bool(values["keep_unmatched"]))
    except (KeyError, TypeError, ValueError):
        raise SchemaError(f"{info.path}: its configuration is not one of `generate`") from None
    return Order(values["n"], fraction, provenance.unmatched, numbers["tracks"], bool(values.get("variations")), provenance,
                 numbers["images"])


def _check_space(order: Order, path: Path) -> None:
    require_writable(path)
    need, free = order.n * row_bytes(order.tracks, order.variations, order.images), shutil.disk_usage(path.absolute().parent).free
    if need > free:
        raise ConfigError(f"{path}: {order.n} rows need {need / 1e9:.3g} GB of disk, {free / 1e9:.3g} GB are free")


class _Stored:
    """The identity that a file has stored.

    Parameters
    ----------
    info : FileInfo
        The file.
    """

    def __init__(self, info: FileInfo) -> None:
        self._info = info

    def identity(self) -> dict[str, Any]:
        """Return what names the rows."""
        return _identity(self._info)


class _Merged:
    """The chunks of all shards.

    Parameters
    ----------
    files : dict
        The shards by their index.
    of : int
        How many there are.
    """

    def __init__(self, files: dict[int, ShardFile], of: int) -> None:
        self._files = files
        self._of = of

    def read(self, process: int, chunk: int) -> PackedChunk:
        """Return a chunk; DataError if its shard ends before it."""
        file = self._files[chunk % self._of]
        if (process, chunk) not in file.places:
            shard = Shard(chunk % self._of, self._of)
            raise DataError(f"{file.info.path}: shard {shard} ends before {PROCESS_NAMES[process]} chunk {chunk}: its "
                            f"{file.chunks(process)} chunks are too few; make it again with a larger --n, and merge with --n")
        return file.read(process, chunk)
