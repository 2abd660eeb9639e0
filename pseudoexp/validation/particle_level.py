"""Particle level of an engine: jets, whole events and heavy hadrons of generated events as columns of observables.

Events come in chunks and only their observables are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.record import EventBatch
from pseudoexp.core.species import is_b_hadron, is_c_hadron, is_charged, is_neutrino
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK
from pseudoexp.engines import engine as engine_of
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import DataError
from pseudoexp.validation.particle_jets import COLUMNS, particle_jets
from pseudoexp.validation.samples import MIN_ROWS, Sample

PROCESSES = {"signal": SIGNAL, "qcd": QCD}
TEST_INPUTS = ("pt", "m", "ntrk", "ncon", "ftrk", "tau1", "tau2", "nvr10", "v1pt", "v1m", "v1n", "v1leadf", "v2pt", "v2m", "v2n",
               "v2leadf", "dR12", "nB", "nD", "ptB1", "ptD1")
"""The 21 observables of the two-sample test at particle level."""
EXTRAS = ("eta", "nvr7", "ptB2", "tau21", "ptv1frac")
MAX_PT = 1000.0
MULTIPLICITIES = (0, 40, 60, 80, 100, 130, 1000)
"""Classes of the number of central tracks in which the mean pT of tracks is compared."""
EVENT_COLUMNS = ("nfinal", "nvis_eta4.9", "nch_eta2.5_pt0.5", "dNdeta", "meanpt",
                 *(f"meanpt_nch{low}" for low in MULTIPLICITIES[:-1]))
_ABSENT = {"v1pt": "nvr10", "v1m": "nvr10", "v1n": "nvr10", "v1leadf": "nvr10", "ptB1": "nB", "ptD1": "nD"}
_ABSENT_PAIR = {"v2pt": "nvr10", "v2m": "nvr10", "v2n": "nvr10", "v2leadf": "nvr10", "dR12": "nvr10", "ptB2": "nB"}
_C = {name: i for i, name in enumerate(COLUMNS)}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ParticleLevel:
    """Observables of generated events of one process.

    Attributes
    ----------
    process : str
        `signal` or `qcd`.
    jets : (jets, columns of `particle_jets.COLUMNS`) array
        Jets above 250 GeV; `event` counts the events from 0.
    events : (n, columns of `EVENT_COLUMNS`) array
        Whole events; NaN for the mean pT outside a class of multiplicity.
    hadrons : mapping
        Observables of weakly decaying b (`B__...`) and c hadrons (`D__...`).
    weight : (n,) array
        Event weights [pb].
    """

    process: str
    jets: Array
    events: Array
    hadrons: dict[str, Array]
    weight: Array

    def leading(self) -> Array:
        """Return the class's jet of each event that has one: the Higgs boson's, or the leading jet of a QCD event."""
        jets = self.jets[self.jets[:, _C["pt"]] < MAX_PT]
        if self.process == "qcd":
            return jets[jets[:, _C["rank"]] == 0]
        jets = jets[(jets[:, _C["dR_higgs"]] < 0.75) & (jets[:, _C["higgs_b"]] >= 2)]
        return jets[np.unique(jets[:, _C["event"]], return_index=True)[1]]

    def jet_sample(self) -> Sample:
        """Return the class's jets as columns: the inputs of the two-sample test, then others.

        Raises
        ------
        DataError
            If there are too few.
        """
        jets = self.leading()
        if len(jets) < MIN_ROWS:
            raise DataError(f"{len(jets)} jets of process {self.process} at particle level; a comparison needs {MIN_ROWS}: "
                            "generate more events")
        names = (*TEST_INPUTS, *EXTRAS)
        columns = jet_columns(jets)
        data = np.stack([columns[name] for name in names], axis=1).astype(np.float32)
        return Sample(names, len(TEST_INPUTS), data, jets[:, _C["event"]].astype(np.int64), data[:, 0])

    def event_sample(self) -> Sample:
        """Return whole events as columns; none goes into a two-sample test."""
        data = self.events.astype(np.float32)
        return Sample(EVENT_COLUMNS, 0, data, np.arange(len(data)), data[:, 0])


def jet_columns(jets: Array) -> dict[str, Array]:
    """Return observables of jets by name; NaN where a jet has no such thing."""
    columns = {name: jets[:, i].copy() for name, i in _C.items()}
    columns["tau21"] = jets[:, _C["tau2"]] / np.maximum(jets[:, _C["tau1"]], 1e-12)
    columns["ptv1frac"] = jets[:, _C["v1pt"]] / jets[:, _C["pt"]]
    columns["ptv1frac"][columns["nvr10"] < 1] = np.nan
    for needed, table in ((1, _ABSENT), (2, _ABSENT_PAIR)):
        for name, count in table.items():
            columns[name][columns[count] < needed] = np.nan
    return columns


def per_species(function: Callable[[int], Any], pdg_id: NDArray[np.integer]) -> NDArray[Any]:
    """Return a property of many particles, looked up once per species."""
    known, index = np.unique(pdg_id, return_inverse=True)
    return np.array([function(int(i)) for i in known])[index] if len(known) else np.zeros(0, bool)


def transverse(p: Array) -> Array:
    """Return the transverse component of (n, >= 2) vectors."""
    return np.asarray(np.hypot(p[:, 0], p[:, 1]))


def event_columns(batch: EventBatch) -> Array:
    """Return the observables of whole events, (events, columns of `EVENT_COLUMNS`)."""
    n = len(batch.event_number)
    event = np.repeat(np.arange(n), np.diff(batch.offsets))
    pt = transverse(batch.p4)
    eta = np.abs(np.arcsinh(batch.p4[:, 2] / np.maximum(pt, 1e-12)))
    hard = per_species(is_charged, batch.pdg_id) & (pt > 0.5)
    tracks = hard & (eta < 2.5)

    def count(chosen: NDArray[np.bool_]) -> Array:
        return np.bincount(event[chosen], minlength=n).astype(np.float64)

    n_tracks = count(tracks)
    mean_pt = np.bincount(event[tracks], pt[tracks], minlength=n) / np.where(n_tracks > 0, n_tracks, np.nan)
    bins = [np.where((n_tracks >= low) & (n_tracks < high), mean_pt, np.nan)
            for low, high in pairwise(MULTIPLICITIES)]
    visible = ~per_species(is_neutrino, batch.pdg_id) & (eta < 4.9)
    return np.stack([count(np.ones(len(event), bool)), count(visible), n_tracks, count(hard & (eta < 0.5)), mean_pt, *bins],
                    axis=1)


def charged_descendants(batch: EventBatch) -> Array:
    """Return the number of stable charged descendants of each heavy particle of a batch."""
    event = np.repeat(np.arange(len(batch.event_number)), np.diff(batch.offsets))
    heavy_event = np.repeat(np.arange(len(batch.event_number)), np.diff(batch.heavy_offsets))
    parent = np.where(batch.heavy_parent >= 0, batch.heavy_parent + batch.heavy_offsets[:-1][heavy_event], -1)
    chosen = (batch.heavy >= 0) & per_species(is_charged, batch.pdg_id)
    ancestor = (batch.heavy + batch.heavy_offsets[:-1][event])[chosen]
    total = np.zeros(len(parent))
    while len(ancestor):
        total += np.bincount(ancestor, minlength=len(total))
        ancestor = parent[ancestor]
        ancestor = ancestor[ancestor >= 0]
    return total


def hadron_columns(batch: EventBatch) -> dict[str, Array]:
    """Return multiplicities, flights and momentum shares of weakly decaying b and c hadrons."""
    p, nch = batch.heavy_p4, charged_descendants(batch)
    beauty, charm = (per_species(f, batch.heavy_pdg_id).astype(bool) for f in (is_b_hadron, is_c_hadron))
    pt, flight = transverse(p), transverse(batch.heavy_vertex)
    length = np.sqrt((batch.heavy_vertex[:, :3] ** 2).sum(axis=1))
    mass = np.sqrt(np.maximum(p[:, 3] ** 2 - (p[:, :3] ** 2).sum(axis=1), 0.0))
    window = beauty & (pt > 50.0) & (pt < 300.0)
    result = {"B__nch": nch[beauty], "D__nch": nch[charm], "B__ctau_eff": (flight * mass / pt)[beauty],
              "B__lxy_pt50_300": flight[window], "B__l3d_pt50_300": length[window]}
    own = beauty & batch.heavy_from_higgs
    if own.any():
        event = np.repeat(np.arange(len(batch.event_number)), np.diff(batch.heavy_offsets))[own]
        higgs = batch.higgs[event] * np.array([-1.0, -1.0, -1.0, 1.0])
        result["B__xB_higgs"] = 2.0 * (higgs * p[own]).sum(axis=1) / (higgs * batch.higgs[event]).sum(axis=1)
    return result


def generate(engine: str, process: str, n: int, seed: int, sampling: tuple[float, float],
             progress: Callable[[int], None] | None = None, tune: tuple[str, ...] = ()) -> ParticleLevel:
    """Generate events and keep their observables.

    Parameters
    ----------
    engine : str
        Name of the engine.
    process : {"signal", "qcd"}
        Process.
    n : int
        Events.
    seed : int
        Seed.
    sampling : tuple of float
        pT-hat threshold [GeV] and power of the bias.
    progress : callable, optional
        Called with the number of events done.
    tune : tuple of str, optional
        Further settings of Pythia8.
    """
    batches = chunks(engine, process, n, seed, EngineSettings(*sampling, tune))
    return collect(process, batches, progress)


def chunks(engine: str, process: str, n: int, seed: int, settings: EngineSettings) -> Iterator[EventBatch]:
    """Yield n events in chunks."""
    source = engine_of(engine)
    for first in range(0, n, EVENTS_PER_CHUNK):
        yield source.generate_chunk(PROCESSES[process], seed, first, min(EVENTS_PER_CHUNK, n - first), settings)


def collect(process: str, batches: Iterator[EventBatch], progress: Callable[[int], None] | None = None) -> ParticleLevel:
    """Return the observables of events, whoever made them."""
    jets: list[Array] = []
    events: list[Array] = []
    weights: list[Array] = []
    hadrons: dict[str, list[Array]] = {}
    done = 0
    for batch in batches:
        found = particle_jets(batch)
        found[:, _C["event"]] += done
        done += len(batch.event_number)
        jets.append(found)
        events.append(event_columns(batch))
        weights.append(batch.weight)
        for name, values in hadron_columns(batch).items():
            hadrons.setdefault(name, []).append(values)
        if progress is not None:
            progress(done)
    joined = {name: np.concatenate(values) for name, values in hadrons.items()}
    return ParticleLevel(process, np.concatenate(jets), np.concatenate(events), joined, np.concatenate(weights))
