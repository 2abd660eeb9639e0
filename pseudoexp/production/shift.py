"""The same events under another detector card: the rows of both cards side by side.

Each chunk of events is made once and goes through both detectors, so the particles are the same ones; so are the random
numbers, since from the detector on no draw depends on the outcome of another. Rows of the two cards belong together if
they belong to the same true jet. The join is an outer one: a jet that passes under either card has one row in `jets`
and one in `jets_shifted`, in the same place.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.bunch import Bunch
from pseudoexp.calibration import calibration_of
from pseudoexp.config import load_card
from pseudoexp.core.files import real_place, require_writable
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_json, canonical_rows
from pseudoexp.dataset.metadata import Provenance, Tally
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.reader import blocks
from pseudoexp.dataset.writer import COMPRESSIONS, FileWriter, publish
from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.production.chunk import DEFAULT_MAKER, PROCESS_NAMES
from pseudoexp.production.pileup import require_library
from pseudoexp.production.run_config import RunConfig, parse_count, require_engine
from pseudoexp.production.schedule import POLL_SECONDS
from pseudoexp.production.spool import only_writer
from pseudoexp.production.worker import Done, Job
from pseudoexp.production.workers import start_workers
from pseudoexp.replaying.request import configuration_of

Progress = Callable[[str, int, int], None]


def shift(file: str | Path, card: str, out: str | Path, *, threads: int = 0, compression: str = "none", force: bool = False,
          hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "", progress: Progress | None = None) -> Bunch:
    """Put the events of a dataset through another detector.

    Parameters
    ----------
    file : str or Path
        A dataset of this version; its configuration says which events and which card are nominal.
    card : str
        The other detector card: a name or the path of a TOML file.
    out : str or Path
        The file to write: `jets` under the nominal card, `jets_shifted` under the other one, row by row.
    threads : int, optional
        Worker processes, 0 for one per core.
    compression : {"none", "lzf", "gzip"}, optional
        Compression.
    force : bool, optional
        Replace an existing file.
    hepmc_signal, hepmc_qcd : str or Path, optional
        The files of events, if the dataset was made from such.
    progress : callable, optional
        Called as ``progress(stage, events_done, events)``; as ``progress(line, 0, 0)`` while kernels are compiled.

    Returns
    -------
    Bunch
        `path`, `rows`, `both`, `only_nominal`, `only_shifted` (per class), `events` (per process), `seconds`,
        `dataset_hash`, `sha256`.

    Raises
    ------
    ConfigError
        For a wrong option, or a dataset of another version.
    GenerationError
        If the nominal rows do not come out as they are in the dataset.
    """
    path, info = real_place(Path(out)), probe(file)
    if schema.SHIFTED in info.datasets:
        raise ConfigError(f"{file}: holds two cards already; allowed: a file made by `generate`")
    if schema.CHUNKS in info.datasets:
        raise ConfigError(f"{file}: is a shard; allowed: the file that `merge` makes of all")
    nominal = replace(configuration_of(file, str(hepmc_signal), str(hepmc_qcd)), tracks=0, images=0)
    shifted = replace(nominal, card=load_card(card))
    parse_count(threads, "threads", 0, 4096)
    _check(path, Path(file), nominal, shifted, compression, force)
    with only_writer(path):
        return _shift(info, nominal, shifted, path, threads, compression, progress or (lambda stage, done, total: None))


def _shift(info: FileInfo, nominal: RunConfig, shifted: RunConfig, path: Path, threads: int, compression: str, tell: Progress
           ) -> Bunch:
    tried = tuple(int(t) for t in info.attributes["events_tried"])
    start = time.monotonic()
    require_library(nominal, threads, tell)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.absolute().parent) as name:
        folder = Path(name)
        _make(Job(DEFAULT_MAKER, nominal, folder, f"{__name__}:shift_chunk", shifted), tried, threads, tell)
        counts, total, checksum = _assemble(info, nominal, shifted, tried, folder, path, compression)
    return Bunch(path=path, rows=int(counts.sum()), **_by_class(counts, nominal.keep_unmatched),
                 events=dict(zip(PROCESS_NAMES, tried, strict=True)), seconds=time.monotonic() - start, dataset_hash=total,
                 sha256=checksum)


def _check(path: Path, file: Path, nominal: RunConfig, shifted: RunConfig, compression: str, force: bool) -> None:
    if compression not in COMPRESSIONS:
        raise ConfigError(f"compression {compression!r}; allowed: {', '.join(COMPRESSIONS)}")
    if not path.name or path.is_dir():
        raise ConfigError(f"{path}: is a folder; allowed: the name of a file")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist")
    if path.exists() and (not force or path.samefile(file)):
        raise ConfigError(f"{path} exists; " + ("allowed: another --out than the dataset itself" if path.samefile(file)
                                                else "--force replaces it"))
    require_writable(path)
    require_engine(nominal.engine)
    for config in (nominal, shifted):
        calibration_of(config.card.calibration)
    need, free = 4 * nominal.n * schema.PAIR_DTYPE.itemsize, shutil.disk_usage(path.absolute().parent).free
    if need > free:
        raise ConfigError(f"{path}: needs {need / 1e9:.3g} GB of disk while it is made, {free / 1e9:.3g} GB are free")


def _make(job: Job, tried: tuple[int, ...], threads: int, tell: Progress) -> None:
    """Have all chunks made."""
    waiting = [(process, chunk) for process, events in enumerate(tried) for chunk in range(_chunks(events))]
    waiting.sort(key=lambda task: -task[1])
    total, done = len(waiting), 0
    with start_workers(job, threads, total) as workers:
        while done < total:
            while waiting and workers.free():
                workers.submit(*waiting.pop())
            done += len(workers.finished(POLL_SECONDS))
            if done == 0 and (notice := workers.notice()):
                tell(notice, 0, 0)
            else:
                tell("shifting", done * schema.EVENTS_PER_CHUNK, total * schema.EVENTS_PER_CHUNK)


def _chunks(events: int) -> int:
    return -(-events // schema.EVENTS_PER_CHUNK)


def _chunk_file(folder: Path, process: int, chunk: int) -> Path:
    return folder / f"{process}-{chunk}.npz"


def shift_chunk(job: Job, process: int, chunk: int) -> Done:
    """Make the events of a chunk, put them through both detectors, join and write the rows; a worker's task."""
    from pseudoexp.chain import batch_of_chunk
    from pseudoexp.production.pairing import joined, true_jets, under_card

    assert job.shifted is not None
    batch = batch_of_chunk(job.config, process, chunk)
    truth = true_jets(batch)
    sides = [under_card(config, process, chunk, batch, truth) for config in (job.config, job.shifted)]
    pairs = joined(sides[0], sides[1], truth)
    np.savez(_chunk_file(job.folder, process, chunk), nominal=pairs.nominal, shifted=pairs.shifted,
             alone=sides[0].jets)
    return Done(process, chunk, len(pairs.nominal))


def _assemble(info: FileInfo, nominal: RunConfig, shifted: RunConfig, tried: tuple[int, ...], folder: Path, path: Path,
              compression: str) -> tuple[NDArray[np.int64], str, str]:
    """Write the file; return rows per class and kind (both, nominal alone, shifted alone), dataset hash and checksum."""
    rows = sum(len(pieces.nominal) for pieces in _in_order(folder, tried))
    identity = canonical_json([nominal.hash(), shifted.hash()])
    provenance = Provenance(nominal.json(), hashlib.sha256(identity.encode()).hexdigest(), nominal.seed,
                            nominal.keep_unmatched, shifted.json())
    counts = np.zeros((len(schema.CLASSES), 3), np.int64)
    stored = [_Stored(info, process, tried[process]) for process in range(2)]
    draft = folder / "assembly.h5"
    with FileWriter(draft, rows, provenance, compression=compression, two_cards=True) as writer:
        for pieces in _in_order(folder, tried):
            for source, alone in zip(stored, pieces.alone, strict=True):
                source.require_same(alone)
            writer.write_pairs(pieces.nominal, pieces.shifted)
            _count(pieces.nominal, counts)
        for source in stored:
            source.require_end()
        cross_section = tuple(float(x) for x in info.attributes["cross_section"])
        total = writer.finish(Tally((tried[0], tried[1]), (cross_section[0], cross_section[1])))
    return counts, total, publish(draft, path)


class _Pieces(NamedTuple):
    """One chunk of each process: the pairs in the order of `eventNumber`; the nominal rows alone, by process, in their order."""

    nominal: NDArray[np.void]
    shifted: NDArray[np.void]
    alone: tuple[NDArray[np.void], NDArray[np.void]]


def _in_order(folder: Path, tried: tuple[int, ...]) -> Iterator[_Pieces]:
    """Yield all chunks in order, without events that were not tried."""
    for chunk in range(max(map(_chunks, tried))):
        found: dict[str, list[NDArray[np.void]]] = {"nominal": [], "shifted": [], "alone": []}
        for process, events in enumerate(tried):
            if chunk >= _chunks(events):
                found["alone"].append(np.zeros(0, schema.JET_DTYPE))
                continue
            with np.load(_chunk_file(folder, process, chunk), allow_pickle=False) as stored:
                for name, pieces in found.items():
                    rows = stored[name]
                    pieces.append(rows[rows["eventNumber"] <= schema.file_event_number(process, events - 1)])
        nominal, shifted = schema.join(found["nominal"]), schema.join(found["shifted"])
        order = np.argsort(nominal["eventNumber"], kind="stable")
        yield _Pieces(nominal[order], shifted[order], (found["alone"][0], found["alone"][1]))


class _Stored:
    """The rows of one process in the dataset, held one after the other against those made here.

    Parameters
    ----------
    info : FileInfo
        The dataset.
    process : int
        0 signal, 1 QCD.
    tried : int
        Events tried; the dataset may end within the last.
    """

    def __init__(self, info: FileInfo, process: int, tried: int) -> None:
        self._blocks = blocks(info)
        self._path, self._process = info.path, process
        self._last = schema.file_event_number(process, tried - 1)
        self._rows = np.zeros(0, schema.JET_DTYPE)

    def _take(self, count: int) -> NDArray[np.void]:
        """Return the next `count` rows, fewer at the end."""
        while len(self._rows) < count and (block := next(self._blocks, None)) is not None:
            mine = block[block["eventNumber"] // 10 % 2 == self._process]
            self._rows = schema.join([self._rows, canonical_rows(mine, schema.JET_DTYPE)])
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken

    def require_same(self, made: NDArray[np.void]) -> None:
        """Raise GenerationError unless the next rows of the dataset are these."""
        old = self._take(len(made))
        new = canonical_rows(made[:len(old)], schema.JET_DTYPE)
        cut = made["eventNumber"][len(old):]
        if old.tobytes() != new.tobytes() or (cut != self._last).any():
            raise GenerationError(f"{self._path}: its rows do not come out of its configuration here")

    def require_end(self) -> None:
        """Raise GenerationError if rows are left."""
        if len(self._take(1)):
            raise GenerationError(f"{self._path}: holds rows that do not come out of its configuration here")


def _count(nominal: NDArray[np.void], counts: NDArray[np.int64]) -> None:
    both = nominal["passes_nominal"] & nominal["passes_shifted"]
    kind = np.where(both, 0, np.where(nominal["passes_nominal"], 1, 2))
    np.add.at(counts, (nominal["flavour_label"], kind), 1)


def _by_class(counts: NDArray[np.int64], unmatched: bool) -> dict[str, dict[str, int]]:
    classes = schema.CLASSES if unmatched else schema.CLASSES[:2]
    return {name: dict(zip(classes, counts[:, kind].tolist(), strict=False))
            for kind, name in enumerate(("both", "only_nominal", "only_shifted"))}
