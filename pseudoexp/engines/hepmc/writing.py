"""HepMC3 text from event records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pseudoexp import __version__
from pseudoexp.core.record import EventBatch, event
from pseudoexp.engines.hepmc.graph import Graph, graph
from pseudoexp.engines.hepmc.library import pyhepmc_module

CONFIGURATION, PT_HAT, SCALE = "configuration", "pthat", "event_scale"
"""Attributes: of the run, the options as JSON; of events, pT-hat [GeV] in full precision, and under the name that others read."""
WEIGHT = "Default"


class EventWriter:
    """Writes batches of events to an open file.

    The cross-section of each event is the mean weight [pb] of all events up to it, with its statistical error; so the last
    one is the file's. Momenta and positions have 17 digits: they are read back to the last bit.

    Parameters
    ----------
    file : binary file
        Where to write.
    tool : str
        What made the events, in words.
    configuration : str
        The options as JSON.
    variations : sequence of str, optional
        Names of further weights.
    """

    def __init__(self, file: BinaryIO, tool: str, configuration: str, variations: Sequence[str] = ()) -> None:
        self._module = pyhepmc_module()
        self._run = self._module.GenRunInfo()
        self._run.weight_names = [WEIGHT, *variations]
        self._run.tools = [self._module.GenRunInfo.ToolInfo("pseudoexp", __version__, tool)]
        self._run.attributes[CONFIGURATION] = configuration
        self._stream = self._module.io.pyiostream(file)
        self._writer = self._module.io.WriterAscii(self._stream, self._run)
        self._events, self._sum, self._sum2 = 0, 0.0, 0.0

    def write(self, batch: EventBatch, ratios: NDArray[np.float64] | None = None) -> None:
        """Append the events of a batch; `ratios` (events, variations) are the further weights over the first."""
        for i in range(len(batch.weight)):
            weight = float(batch.weight[i])
            self._events += 1
            self._sum += weight
            self._sum2 += weight * weight
            made = self._event(graph(event(batch, i)), int(batch.event_number[i]))
            made.weights = [weight, *(weight * ratios[i] if ratios is not None else ())]
            made.attributes[PT_HAT] = repr(float(batch.pthat[i]))
            made.attributes[SCALE] = float(batch.pthat[i])
            self._writer.write_event(made)
            if self._writer.failed():
                raise OSError("writing failed")

    def _event(self, rows: Graph, number: int) -> Any:
        made, data = self._module.GenEvent(self._run), self._module.GenEventData()
        mass = np.sqrt(np.maximum(rows.p4[:, 3]**2 - (rows.p4[:, :3]**2).sum(axis=1), 0.0))
        made.from_hepevt(number, *rows.p4.T, mass, rows.pdg_id, rows.status, parents=rows.mothers, fortran=False,
                         **dict(zip(("vx", "vy", "vz", "vt"), rows.vertex.T, strict=True)))
        made.write_data(data)
        _renumber_vertices(data)
        made.read_data(data)
        cross_section = self._module.GenCrossSection()
        cross_section.set_cross_section(*self.cross_section(), self._events, self._events)
        made.cross_section = cross_section
        return made

    def cross_section(self) -> tuple[float, float]:
        """Return the mean weight of the events so far and its statistical error [pb]."""
        mean = self._sum / self._events
        return mean, math.sqrt(max(self._sum2 / self._events - mean * mean, 0.0) / self._events)

    def close(self) -> None:
        """Write the end of the listing."""
        self._writer.close()
        self._stream.flush()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def _renumber_vertices(data: Any) -> None:
    """Number the vertices of HepMC's arrays, in place, in the order of their first outgoing particles.

    The text lists them so; some readers keep this order and forget the numbers.
    """
    vertices = len(data.vertices)
    out = data.links1 < 0
    first = np.full(vertices, np.iinfo(np.int32).max)
    np.minimum.at(first, -data.links1[out] - 1, data.links2[out])
    order = np.argsort(first)
    number = np.empty(vertices, np.int32)
    number[order] = -1 - np.arange(vertices)
    data.vertices[:] = data.vertices[order]
    data.links1[out] = number[-data.links1[out] - 1]
    data.links2[~out] = number[-data.links2[~out] - 1]
