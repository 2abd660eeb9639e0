"""Makes the damaged rows of a file again, and says which they were.

Rows are a function of the configuration. Where a block of rows is not what its locator says, its events are made again
and written into a copy of the file, which takes the file's place if its hashes are those of old.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.files import real_place
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_rows, file_sha256, stored_sidecar
from pseudoexp.dataset.metadata import Tally
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import rows_at
from pseudoexp.dataset.verify import Findings, run_length, run_of_rows
from pseudoexp.dataset.writer import FileWriter, publish
from pseudoexp.errors import ConfigError, DamagedFile, PseudoexpError
from pseudoexp.production.again import MadeAgain, Passed, PassedShard
from pseudoexp.production.assemble import Order, Rows
from pseudoexp.production.chunk import DEFAULT_MAKER, ChunkMaker, maker_name
from pseudoexp.production.plan import row_seconds
from pseudoexp.production.run import cause
from pseudoexp.production.run_config import RunConfig, require_engine
from pseudoexp.production.shard import parse_shard
from pseudoexp.production.spool import only_writer
from pseudoexp.production.worker import Job
from pseudoexp.production.workers import cores
from pseudoexp.replaying.request import stored_configuration

DTYPES = {"jets": schema.JET_DTYPE, "tracks": schema.TRACK_DTYPE, schema.VARIATIONS: schema.VARIATION_DTYPE,
          "images": schema.IMAGE_DTYPE, schema.CHUNKS: schema.CHUNK_DTYPE}
MOST_COLUMNS = 5
UNREADABLE = "unreadable"
Tell = Callable[[str, int, int], None]


class Changed(NamedTuple):
    """A row that is not what it was.

    Attributes
    ----------
    dataset : str
        Where it stands.
    row : int
        Its number.
    columns : tuple of str
        What differs; empty if the row cannot be read.
    """

    dataset: str
    row: int
    columns: tuple[str, ...]

    def __str__(self) -> str:
        more = " ..." if len(self.columns) > MOST_COLUMNS else ""
        return f"{self.dataset}[{self.row}] ({', '.join(self.columns[:MOST_COLUMNS]) or UNREADABLE}{more})"

    def lines(self) -> str:
        """Return the dataset, the row and what differs: a line for each column, or one that says that all is unreadable."""
        return "".join(f"{self.dataset} {self.row} {column}\n" for column in self.columns or (UNREADABLE,))


Note = Callable[[Changed], None]
"""Told of each row that is not what it was."""


class Inputs(NamedTuple):
    """What making rows again takes besides the file."""

    threads: int = 0
    maker: ChunkMaker | str = DEFAULT_MAKER
    hepmc_signal: str = ""
    hepmc_qcd: str = ""


def locate(info: FileInfo, found: Findings, inputs: Inputs, tell: Tell, note: Note) -> None:
    """Note the rows that are not what their configuration gives, in the damaged blocks.

    Raises
    ------
    PseudoexpError
        If this installation cannot make the rows again.
    """
    config = _configuration(info, info.attributes, inputs)
    with tempfile.TemporaryDirectory(prefix="pseudoexp-verify-") as name:
        job = Job(maker_name(inputs.maker), config, Path(name))
        for _ in _good_rows(info, found, job, inputs.threads, note, tell):
            pass


def repair(info: FileInfo, found: Findings, inputs: Inputs, tell: Tell) -> tuple[list[Changed], str, str]:
    """Put a good file in the place of a damaged one.

    Returns
    -------
    changed : list of Changed
        The rows that were made again; without any, the damage was elsewhere.
    dataset_hash, sha256 : str
        Of the file as it is now.

    Raises
    ------
    PseudoexpError
        If this installation cannot make the rows again.
    DamagedFile
        If what comes out is not what the file was; it is left as it is.
    """
    copies = [info.attributes]
    if info.attributes | info.root != info.attributes:  # damage reached one of the two
        copies.append(info.attributes | info.root)
    problem: PseudoexpError | None = None
    for attributes in copies:
        try:
            return _replace(info, found, attributes, inputs, tell)
        except PseudoexpError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _replace(info: FileInfo, found: Findings, attributes: dict[str, Any], inputs: Inputs, tell: Tell
             ) -> tuple[list[Changed], str, str]:
    """Repair a file by one of its two copies of the attributes."""
    path, place = info.path, real_place(info.path)
    try:
        with only_writer(place), _workplace(place) as folder:
            draft = folder / "repaired.h5"
            changed, total = _rewrite(info, found, attributes, inputs, draft, tell)
            if problem := _problem(info, draft, total):
                raise DamagedFile(f"{path}: cannot be repaired: {problem}; `generate --force` makes it anew")
            return changed, total, publish(draft, place)
    except OSError as error:
        raise DamagedFile(f"{path}: could not be repaired ({cause(error)}); it is as it was") from None
    except (KeyError, TypeError, ValueError):
        raise DamagedFile(f"{path}: cannot be repaired: its attributes are damaged; `generate --force` makes it anew") from None


@contextmanager
def _workplace(place: Path) -> Iterator[Path]:
    """Give the only writer of a file a folder beside it; what a killed repair left there goes."""
    folder = place.absolute().with_name(f".{place.name}.repair")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _problem(info: FileInfo, draft: Path, total: str) -> str:
    """Return what is wrong with a repaired file; a damaged sidecar does not count where all else agrees."""
    stated = [copy.get("dataset_hash") for copy in (info.attributes, info.root)]
    if total not in stated:
        return f"made again, its rows have the hash {total}, not {stated[0]}"
    note = stored_sidecar(info.path)
    if not note.is_file() or note.read_text(encoding="utf-8", errors="replace").split()[:1] == [file_sha256(draft)]:
        return ""
    shared = info.attributes.keys() & info.root.keys()
    if all(info.attributes[name] == info.root[name] for name in shared) and stated[0] == stated[1] == total:
        return ""
    return f"made again, its bytes are not those of {note.name}"


def _configuration(info: FileInfo, attributes: dict[str, Any], inputs: Inputs) -> RunConfig:
    if schema.SHIFTED in info.datasets:
        raise ConfigError(f"{info.path}: holds two cards, whose rows cannot be made one by one; `shift` makes the file again")
    for name, layout in info.datasets.items():
        if layout.dtype != DTYPES[name]:
            raise ConfigError(f"{info.path}: `{name}` has columns that others added; they cannot be made again")
    config = stored_configuration(info.path, json.loads(attributes["configuration"]), inputs.hepmc_signal, inputs.hepmc_qcd)
    require_engine(config.engine)
    return config


def _rewrite(info: FileInfo, found: Findings, attributes: dict[str, Any], inputs: Inputs, draft: Path, tell: Tell
             ) -> tuple[list[Changed], str]:
    """Write the file again as a draft; return the changed rows and its dataset hash."""
    config = _configuration(info, attributes, inputs)
    order = Order.of(config)
    signal, qcd = attributes["events_tried"]
    tally = Tally((int(signal), int(qcd)), tuple(map(float, attributes["cross_section"])))  # type: ignore[arg-type]
    changed: list[Changed] = []
    provenance = replace(order.provenance, shard=str(attributes.get("shard", "")))
    table = _table(info, found)
    with FileWriter(draft, info.rows, provenance, compression=info.jets.compression, chunks=len(table),
                    **order.file_options()) as writer:
        if len(table):
            writer.write_chunks(table)
        for rows in _good_rows(info, found, Job(maker_name(inputs.maker), config, draft.parent), inputs.threads, changed.append,
                               tell):
            writer.write(rows.jets, rows.tracks, rows.variations, rows.images)
        return changed, writer.finish(tally)


def _suspect(info: FileInfo, found: Findings) -> list[int]:
    """Return the runs of blocks with rows that may be something else."""
    suspect = {run for runs in found.damaged.values() for run in runs}
    if found.without_locators and found.dataset_hash not in (info.attributes.get("dataset_hash"), info.root.get("dataset_hash")):
        suspect |= set(range(-(-info.rows // run_length(info, "jets"))))
    return sorted(suspect)


def _announcement(info: FileInfo, suspect: list[int], config: RunConfig, threads: int) -> str:
    """Return what making runs of blocks again takes."""
    rows = sum(stop - start for start, stop in (run_of_rows(info, "jets", run) for run in suspect))
    count = threads or cores()
    minutes = rows * row_seconds(config.engine, config.pileup) / 60.0 / count
    time = f"{minutes:.0f} minutes" if minutes >= 2.0 else "a minute or two"
    return f"{info.path}: damaged; making {rows} rows again to see which are changed: roughly {time} on {count} free cores"


def _good_rows(info: FileInfo, found: Findings, job: Job, threads: int, note: Note, tell: Tell) -> Iterator[Rows]:
    """Yield all rows as they were, run by run; note those that are something else in the file."""
    suspect, table = _suspect(info, found), _table(info, found)
    if suspect:
        tell(_announcement(info, suspect, job.config, threads), 0, 0)
    passed = PassedShard(table) if len(table) else Passed(Order.of(job.config))
    with MadeAgain(job, threads, tell, parse_shard(info.attributes.get("shard")).of) as source:
        for done, run in enumerate(suspect):
            start, stop = run_of_rows(info, "jets", run)
            tell("making again", done, len(suspect))
            yield from _read_on(info, passed, start)
            made = passed.rows_from(source, stop - start)
            if len(made.jets) < stop - start:
                raise DamagedFile(f"{info.path}: its configuration gives fewer rows than it holds")
            for changed in _compare(info, start, made):
                note(changed)
            passed.note(made.jets)
            yield made
    yield from _read_on(info, passed, info.rows)


def _table(info: FileInfo, found: Findings) -> NDArray[np.void]:
    """Return a shard's table of chunks, without lines for other files; DamagedFile if it cannot be relied on."""
    if schema.CHUNKS not in info.datasets:
        return np.zeros(0, schema.CHUNK_DTYPE)
    if schema.CHUNKS in found.damaged or schema.CHUNKS in found.without_locators:
        raise DamagedFile(f"{info.path}: cannot be repaired: its table of chunks is damaged; `generate --shard --force` makes it "
                          "anew")
    table = canonical_rows(rows_at(info, schema.CHUNKS, 0, info.datasets[schema.CHUNKS].shape[0]), schema.CHUNK_DTYPE)
    if table["rows"].min() < 0 or table["rows"].sum() != info.rows:
        raise DamagedFile(f"{info.path}: its table of chunks does not fit its rows")
    return table


def _read_on(info: FileInfo, passed: Passed | PassedShard, stop: int) -> Iterator[Rows]:
    """Yield the rows from where we are to row `stop`."""
    size = run_length(info, "jets")
    for start in range(passed.rows, stop, size):
        read = {name: canonical_rows(rows_at(info, name, start, min(size, stop - start)), DTYPES[name])
                for name in info.datasets if name != schema.CHUNKS}
        passed.note(read["jets"])
        yield Rows(read["jets"], read.get("tracks"), np.zeros(0, np.int64), read.get(schema.VARIATIONS), read.get("images"))


def _compare(info: FileInfo, start: int, made: Rows) -> Iterator[Changed]:
    """Yield the rows of the file that differ from those made again."""
    for name, new in (("jets", made.jets), ("tracks", made.tracks), (schema.VARIATIONS, made.variations),
                      ("images", made.images)):
        if name not in info.datasets or new is None:
            continue
        try:
            old = canonical_rows(rows_at(info, name, start, len(new)), DTYPES[name])
        except DamagedFile:
            yield from (Changed(name, start + i, ()) for i in range(len(new)))
            continue
        new = canonical_rows(new, DTYPES[name])
        differs = (_bytes(old) != _bytes(new)).any(axis=1)
        yield from (Changed(name, start + int(i), _columns(old[i], new[i])) for i in np.flatnonzero(differs))


def _bytes(rows: NDArray[np.void]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), -1)


def _columns(old: Any, new: Any) -> tuple[str, ...]:
    return tuple(name for name in old.dtype.names if np.asarray(old[name]).tobytes() != np.asarray(new[name]).tobytes())
