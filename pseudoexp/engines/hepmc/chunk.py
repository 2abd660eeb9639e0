"""Events read from a HepMC file: event number i is the file's event i, counted from 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.record import EventBatch
from pseudoexp.engines.batches import join, require_finite
from pseudoexp.engines.hepmc.index import file_of, index_of
from pseudoexp.engines.hepmc.reading import records
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import DataError

_ENOUGH = 20
"""Events that tell whether a file holds the process it is given for."""


def generate_chunk(process: int, seed: int, first_event: int, n: int, settings: EngineSettings) -> EventBatch:
    """Read events `first_event` to `first_event + n - 1` of a process.

    Parameters
    ----------
    process : int
        `processes.SIGNAL` or `processes.QCD`; it decides which file is read.
    seed : int
        The events do not depend on it.
    first_event : int
        Number of the first event.
    n : int
        Number of events.
    settings : EngineSettings
        The files.

    Returns
    -------
    EventBatch
        n events; the mean of the weights [pb] over the file is its cross-section.

    Raises
    ------
    ConfigError
        For a process without a file, or a file that cannot be read.
    SchemaError
        If the file is not a whole HepMC file.
    DataError
        If it holds too few events, or events that are not what the process or the record needs.
    """
    path = file_of(process, settings)
    index = index_of(path)
    if first_event + n > index.events:
        raise DataError(f"{path}: holds {index.events} events; events {first_event} to {first_event + n - 1} were needed")
    batch = join(list(records(path, index, first_event, n)))
    batch = batch._replace(event_number=first_event + np.arange(n), weight=index.scale * batch.weight)
    require_finite(batch, str(path))
    _require_process(path, process, batch)
    return batch


def _require_process(path: Path, process: int, batch: EventBatch) -> None:
    """Raise DataError if a run of events can give no row of its process, or is of another one."""
    events = len(batch.weight)
    if events < _ENOUGH:
        return
    if process == SIGNAL and not batch.heavy_from_higgs.any():
        raise DataError(f"{path}: no b hadron of a Higgs boson in {events} events; the signal needs Higgs bosons that "
                        "decay to b quarks, hadrons, and their decays")
    if process == QCD and (batch.higgs[:, 3] > 0.0).mean() > 0.5:
        raise DataError(f"{path}: holds Higgs bosons; QCD events have none")
