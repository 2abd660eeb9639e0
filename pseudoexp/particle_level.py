"""Generated events before any detector: the public `particles`."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.bunch import Bunch
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.record import EventBatch
from pseudoexp.core.species import TAU
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK
from pseudoexp.engines import DEFAULT_ENGINE
from pseudoexp.engines import engine as engine_of
from pseudoexp.engines.batches import join
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.errors import ConfigError

PROCESSES = {"signal": SIGNAL, "qcd": QCD}
MAX_EVENTS = 1_000_000

_DESCR = """Stable particles (c tau > 10 mm, neutrinos included) of {n} {process} events, pp at 14 TeV, no pile-up.
p4, hadron_p4, higgs_p4: px, py, pz, E [GeV]; vertex: production, hadron_decay_vertex: decay x, y, z, c t [mm].
Particles of event i: rows offsets[i]:offsets[i + 1]. weight [pb]: its mean over events is the cross-section.
hadron_*: weakly decaying b and c hadrons; hadron_event is their event's row. higgs_p4 is 0 in QCD events.
{origin}."""
_MADE = "Engine {engine}, seed {seed}, pT-hat > {pthat_min:g} GeV, pT-hat bias power {pt_bias:g}"


def particles(process: str = "signal", n: int = 1000, seed: int = 1, pthat_min: float = 150, pt_bias: float = 0,
              engine: str = DEFAULT_ENGINE, hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "") -> Bunch:
    """Generate events and return their particles, before any detector.

    Parameters
    ----------
    process : {"signal", "qcd"}
        g b -> H b with H -> bb, or all hard 2 -> 2 QCD scatterings.
    n : int
        Number of events, 1 to 1,000,000. Fewer events are the first of more.
    seed : int
        0 <= seed < 2**63.
    pthat_min : float
        Lowest transverse momentum of the hard scattering [GeV].
    pt_bias : float
        Power of the sampling bias (pT-hat / 250 GeV)**pt_bias; 0: equal weights.
    engine : str
        The generator, ``"builtin"`` or ``"pythia8"``; or ``"hepmc"``, which reads the first `n` events of a file and
        takes nothing from `pthat_min` and `pt_bias`.
    hepmc_signal, hepmc_qcd : str or Path
        The HepMC file of the process, for the engine ``"hepmc"``.

    Returns
    -------
    Bunch
        ``p4`` (particles, 4) px, py, pz, E [GeV]; ``vertex`` (particles, 4) x, y, z, c t of production [mm];
        ``pdg_id`` (particles,); ``offsets`` (events + 1,); ``weight`` (events,) [pb], whose mean is the
        cross-section; ``hadron_p4``, ``hadron_pdg_id``, ``hadron_decay_vertex`` (hadrons, 4) [mm],
        ``hadron_event``, ``hadron_from_higgs`` of the weakly decaying b and c hadrons; ``higgs_p4`` (events, 4),
        zeros in QCD events; ``DESCR``.

    Raises
    ------
    ConfigError
        For a wrong argument.
    SchemaError, DataError
        For a HepMC file that is foreign or truncated; that holds too few events, or not those of the process.
    MissingExtra
        If the engine is not installed.
    """
    if process not in PROCESSES:
        raise ConfigError(f"process = {process!r}: {', '.join(PROCESSES)} are allowed")
    events = _integer("n", n, 1, MAX_EVENTS)
    number = _integer("seed", seed, 0, 2**63 - 1)
    settings = EngineSettings(pthat_min, pt_bias, (), str(hepmc_signal), str(hepmc_qcd))
    source = engine_of(engine)
    batch = join([
        source.generate_chunk(PROCESSES[process], number, first, min(EVENTS_PER_CHUNK, events - first), settings)
        for first in range(0, events, EVENTS_PER_CHUNK)])
    origin = _MADE.format(engine=engine, seed=number, pthat_min=settings.pthat_min, pt_bias=settings.pt_bias)
    if engine == "hepmc":
        origin = f"Read from {hepmc_signal if process == 'signal' else hepmc_qcd}"
    return Bunch(**_columns(batch), DESCR=_DESCR.format(n=events, process=process, origin=origin))


def _columns(batch: EventBatch) -> dict[str, NDArray[Any]]:
    """Return the public arrays of a batch."""
    hadron = np.abs(batch.heavy_pdg_id) != TAU
    event = np.repeat(np.arange(batch.weight.size), np.diff(batch.heavy_offsets))
    return {
        "p4": batch.p4, "vertex": batch.vertex, "pdg_id": batch.pdg_id, "offsets": batch.offsets,
        "weight": batch.weight, "hadron_p4": batch.heavy_p4[hadron], "hadron_pdg_id": batch.heavy_pdg_id[hadron],
        "hadron_decay_vertex": batch.heavy_vertex[hadron], "hadron_event": event[hadron],
        "hadron_from_higgs": batch.heavy_from_higgs[hadron], "higgs_p4": batch.higgs,
    }


def _integer(name: str, value: Any, low: int, high: int) -> int:
    """Return an int or an integral float as int."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, (bool, np.bool_)) or not low <= number <= high:
        raise ConfigError(f"{name} = {value!r}: an integer from {low:,} to {high:,} is allowed")
    return number
