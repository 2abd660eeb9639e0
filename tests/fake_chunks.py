"""Chunk makers for production tests: quick, deterministic, importable by worker processes."""

import os
import signal
import time
from pathlib import Path

import numpy as np
from mock_file import mock_jets

from pseudoexp.dataset import schema
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK, row
from pseudoexp.production.chunk import ChunkRows
from pseudoexp.production.run_config import RunConfig


def make_chunk(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """Events with 0, 1 or 2 rows, signal events with some `other` rows (before or behind their hbb row)."""
    rng = np.random.default_rng([config.seed, process, chunk])
    multiplicity = rng.choice([0, 1, 2], size=EVENTS_PER_CHUNK, p=[0.45, 0.5, 0.05])
    event = np.repeat(np.arange(EVENTS_PER_CHUNK) + chunk * EVENTS_PER_CHUNK, multiplicity)
    jets = mock_jets(len(event), seed=int(rng.integers(2**31)), signal_fraction=1.0 - process)
    jets[:, row("eventNumber")] = event
    jets[:, row("flavour_label")] = process
    if process == 0:
        jets[rng.random(len(event)) < 0.2, row("flavour_label")] = 2
    jets[:, row("mcEventWeight")] = 2.0
    tracks = None
    if config.tracks:
        tracks = rng.normal(size=(len(event), config.tracks, len(schema.TRACK_FIELDS)))
        tracks[..., 0] = 1
    variations = None
    if config.variations:  # to be recognised: the event's number in the process, and the process
        variations = np.ones((len(event), len(schema.VARIATION_FIELDS)))
        variations[:, 0], variations[:, 1] = event, process
    images = None
    if config.images:  # to be recognised by two pixels
        images = rng.exponential(size=(len(event), config.images, config.images, len(schema.IMAGE_FIELDS)))
        images[:, 0, 1, 0], images[:, 2, 3, 1] = event, process
    return ChunkRows(jets, tracks, 2.0 * EVENTS_PER_CHUNK, variations, images)


def slow_chunk(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """Like `make_chunk`, a tenth of a second later."""
    time.sleep(0.1)
    return make_chunk(config, process, chunk)


def slower_chunk(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """Like `make_chunk`, half a second later."""
    time.sleep(0.5)
    return make_chunk(config, process, chunk)


def endless_chunk(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """A chunk that leaves a file named after its process and then takes a minute."""
    Path(f"{os.environ['ENDLESS']}/{os.getpid()}").touch()
    time.sleep(60)
    return make_chunk(config, process, chunk)


def no_rows(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """Events, but never a row."""
    return ChunkRows(np.empty((0, len(schema.JET_FIELDS))), None, 1.0)


def nan_in_event_7(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """A NaN where an input should be."""
    jets = mock_jets(3, signal_fraction=1.0 - process)
    jets[:, row("eventNumber")] = chunk * EVENTS_PER_CHUNK + np.array([5, 6, 7])
    jets[2, row("vr1_ip3d_bu")] = np.nan
    return ChunkRows(jets, None, 1.0)


def killed_at_chunk_3(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """A worker that dies without a word, as from the out-of-memory killer."""
    if chunk == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return make_chunk(config, process, chunk)


def full_disk_at_chunk_3(config: RunConfig, process: int, chunk: int) -> ChunkRows:
    """No space left."""
    if chunk == 3:
        raise OSError(28, os.strerror(28), str(Path("chunk")))
    return make_chunk(config, process, chunk)
