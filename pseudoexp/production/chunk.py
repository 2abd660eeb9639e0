"""A chunk: `EVENTS_PER_CHUNK` events of one process made together, and the rows they gave."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.errors import GenerationError

if TYPE_CHECKING:
    from pseudoexp.production.run_config import RunConfig

PROCESS_NAMES = ("signal", "qcd")
OTHER = schema.CLASSES.index("other")


class ChunkRows(NamedTuple):
    """What the chain returns for events `chunk * EVENTS_PER_CHUNK` onwards of one process.

    Attributes
    ----------
    jets : array (rows, fields of `schema.JET_FIELDS`)
        Rows in event order, in GeV and mm. `eventNumber` counts within the process; `flavour_label` is 0 hbb,
        1 qcd, 2 other (left out later unless unmatched jets are kept).
    tracks : array (rows, N, fields of `schema.TRACK_FIELDS`) or None
        NaN where padded; None without tracks.
    weight_sum : float
        Sum of the weights of all events of the chunk [pb], with and without rows.
    variations : array (rows, fields of `schema.VARIATION_FIELDS`) or None
        Weights of the rows' events for other parameters [pb]; None without variations.
    images : array (rows, N, N, fields of `schema.IMAGE_FIELDS`) or None
        In GeV; None without images.
    """

    jets: NDArray[np.float64]
    tracks: NDArray[np.float64] | None
    weight_sum: float
    variations: NDArray[np.float64] | None = None
    images: NDArray[np.float64] | None = None


ChunkMaker = Callable[["RunConfig", int, int], ChunkRows]
"""`make_chunk(config, process, chunk)`."""

DEFAULT_MAKER = "pseudoexp.chain:make_chunk"


def maker_name(maker: ChunkMaker | str) -> str:
    """Return the name ``module:function`` that a worker process imports."""
    return maker if isinstance(maker, str) else f"{maker.__module__}:{maker.__qualname__}"


def import_function(name: str) -> Any:
    """Return the function of a name such as ``module:function``."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


class PackedChunk(NamedTuple):
    """The rows of a chunk as they will stand in the file.

    Attributes
    ----------
    jets : array (rows,) of `schema.JET_DTYPE`
        In event order, rows of class `other` last within their event.
    tracks : array (rows, N) of `schema.TRACK_DTYPE` or None
        Their tracks.
    weight_sum : float
        As in `ChunkRows`.
    variations : array (rows,) of `schema.VARIATION_DTYPE` or None
        Their events' weights.
    images : array (rows, N, N) of `schema.IMAGE_DTYPE` or None
        Their images.
    """

    jets: NDArray[np.void]
    tracks: NDArray[np.void] | None
    weight_sum: float
    variations: NDArray[np.void] | None = None
    images: NDArray[np.void] | None = None

    @property
    def counted(self) -> int:
        """Rows that count for `n`: hbb or qcd."""
        return int((self.jets["flavour_label"] != OTHER).sum())


def pack(config: RunConfig, process: int, chunk: int, rows: ChunkRows) -> PackedChunk:
    """Check, order and pack the rows of a chunk.

    Raises
    ------
    GenerationError
        If an event does not belong to the chunk or an input is not finite.
    """
    event, label = (rows.jets[:, schema.row(name)] for name in ("eventNumber", "flavour_label"))
    first = chunk * schema.EVENTS_PER_CHUNK
    if ((event < first) | (event >= first + schema.EVENTS_PER_CHUNK)).any() or (np.diff(event) < 0).any():
        raise GenerationError(f"{PROCESS_NAMES[process]} chunk {chunk}: events are not in order or not its own")
    _check_finite(config, process, rows)
    order = np.lexsort((label == OTHER, event))
    if not config.keep_unmatched:
        order = order[label[order] != OTHER]
    matrix = rows.jets[order]
    jets = schema.pack_jets(matrix)
    jets["eventNumber"] = schema.file_event_number(process, event[order].astype(np.int64))
    tracks = None
    if config.tracks:
        if rows.tracks is None or rows.tracks.shape[:2] != (len(rows.jets), config.tracks):
            raise GenerationError(f"{PROCESS_NAMES[process]} chunk {chunk}: not {config.tracks} tracks per row")
        tracks = schema.pack_tracks(rows.tracks[order])
    variations = None
    if config.variations:
        if rows.variations is None or not np.isfinite(rows.variations).all():
            raise GenerationError(f"{PROCESS_NAMES[process]} chunk {chunk}: weights of variations are missing or not finite")
        variations = schema.pack_variations(rows.variations[order])
    images = None
    if config.images:
        if rows.images is None or rows.images.shape[:3] != (len(rows.jets), config.images, config.images):
            raise GenerationError(f"{PROCESS_NAMES[process]} chunk {chunk}: not {config.images} x {config.images} pixels per row")
        images = schema.pack_images(rows.images[order])
    return PackedChunk(jets, tracks, float(rows.weight_sum), variations, images)


def _check_finite(config: RunConfig, process: int, rows: ChunkRows) -> None:
    columns = [*schema.INPUTS, "mcEventWeight", "benchmarkWeight"]
    bad = ~np.isfinite(rows.jets[:, [schema.row(name) for name in columns]])
    if bad.any():
        row, column = np.argwhere(bad)[0]
        event = int(rows.jets[row, schema.row("eventNumber")])
        raise GenerationError(f"{columns[column]} is not finite in {PROCESS_NAMES[process]} event {event}, "
                              f"seed {config.seed}")
    if not np.isfinite(rows.weight_sum):
        raise GenerationError(f"the sum of weights is not finite in {PROCESS_NAMES[process]}, seed {config.seed}")
