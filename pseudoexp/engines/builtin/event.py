"""One event of the built-in engine, from the hard process to the last decay.

hard process -> showers and further scatterings, in falling pT -> decay of the Higgs boson -> beam remnants -> (can it give a
row?) -> colour reconnection -> colours of the remnants -> strings -> decays. If a late stage finds an event impossible (no
energy for the remnants, a string too light), all stages behind the hard process are drawn anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import laps
from pseudoexp.core.discs import Discs, new_discs
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.laps import lap
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import Stream
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin.activity import ActivityTables, collide
from pseudoexp.engines.builtin.decay_table import DecayTable, decay_table
from pseudoexp.engines.builtin.decays import decay_all
from pseudoexp.engines.builtin.dice import (
    ACTIVITY,
    HARD_PROCESS,
    RECONNECTION,
    REMNANTS,
    SHOWER,
    VARIATIONS,
    Dice,
    new_dice,
    throw_from,
)
from pseudoexp.engines.builtin.dipoles import ShowerWorks, shower_tables, shower_works
from pseudoexp.engines.builtin.fragmentation import StringTables
from pseudoexp.engines.builtin.hadron_table import HadronTable, hadron_table
from pseudoexp.engines.builtin.hadronisation import HadronisationWorkspace, hadronisation_workspace, hadronise, string_tables
from pseudoexp.engines.builtin.hadrons import Hadrons, new_hadrons
from pseudoexp.engines.builtin.parton_density import densities
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, Partons, Systems, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.phase_space import Products, new_products
from pseudoexp.engines.builtin.primordial_kt import give_momenta
from pseudoexp.engines.builtin.prospects import THRESHOLD, WHOLE, can_give_row
from pseudoexp.engines.builtin.reconnection import ReconnectionWorkspace, reconnect, reconnection_workspace
from pseudoexp.engines.builtin.remnants import RemnantWorkspace, connect_colours, leave_flavours, remnant_workspace
from pseudoexp.engines.builtin.resonance import decay_higgs
from pseudoexp.engines.builtin.sampling import HardProcess, HardWorkspace, hard_process, hard_workspace, sample_hard_process
from pseudoexp.engines.builtin.scatterings import PT0, scatterings
from pseudoexp.engines.builtin.variations import BOWLER, NAMES

FULL, IMPOSSIBLE, HOPELESS = -1, -2, -3
"""Codes: a list is too short; the stages behind the hard process have to be drawn anew; the event can give no row."""
MOST_ATTEMPTS = 100
_ATTEMPT = np.uint64(0x9E3779B97F4A7C15)


class EngineTables(NamedTuple):
    """Everything that does not change from event to event."""

    hard: HardProcess
    activity: ActivityTables
    strings: StringTables
    species: HadronTable
    decays: DecayTable


class EngineWorkspace(NamedTuple):
    """The event and its buffers."""

    partons: Partons
    systems: Systems
    hadrons: Hadrons
    hard_partons: NDArray[np.float64]  # (2, 5) outgoing partons before showers: px, py, pz, E, PDG number
    higgs: NDArray[np.float64]  # (4,) last momentum of the Higgs boson; zeros without
    dice: Dice
    hard: HardWorkspace
    shower: ShowerWorks
    remnants: RemnantWorkspace
    reconnection: ReconnectionWorkspace
    strings: HadronisationWorkspace
    products: Products
    discs: Discs
    weights: NDArray[np.float64]  # (variations,) ratios to the event's weight, by `variations.NAMES`; none: nothing is varied
    laps: NDArray[np.int64]  # what the stages take


def engine_tables(process: int, pthat_min: float, pt_bias: float) -> EngineTables:
    """Return the tables of a process (`processes.SIGNAL` or `processes.QCD`) and of its sampling."""
    return EngineTables(hard_process(process, pthat_min, pt_bias),
                        ActivityTables(densities(), scatterings(), shower_tables()), string_tables(), hadron_table(),
                        decay_table())


def engine_workspace(size: int, varied: bool = False) -> EngineWorkspace:
    """Return buffers; size 1 holds nearly every event, 2 twice as much. `varied`: with weights of the variations."""
    partons, hadrons, systems = 2000 * size, 4000 * size, 80 * size
    return EngineWorkspace(
        partons=new_partons(partons), systems=new_systems(systems), hadrons=new_hadrons(hadrons),
        hard_partons=np.zeros((2, 5)), higgs=np.zeros(4), dice=new_dice(), hard=hard_workspace(),
        shower=shower_works(systems, partons, 1000 * size, varied), remnants=remnant_workspace(systems, partons),
        reconnection=reconnection_workspace(systems, partons), products=new_products(), discs=new_discs(),
        strings=hadronisation_workspace(partons, hadrons, varied), weights=np.ones(len(NAMES) if varied else 0),
        laps=laps.clock())


@inline
def attempt_stream(stream: Stream, attempt: int) -> Stream:
    """Return the random numbers of another attempt at an event; attempt 0 has the event's own."""
    return Stream(stream.key0, (stream.key1 + np.uint64(attempt) * _ATTEMPT) & np.uint64(0xFFFFFFFF), stream.event_low,
                  stream.event_high)


@kernel
def _note_hard_partons(ws: EngineWorkspace) -> None:
    """Keep the outgoing partons of the hard process."""
    for k in range(2):
        for c in range(4):
            ws.hard_partons[k, c] = ws.partons.p4[2 + k, c]
        ws.hard_partons[k, 4] = ws.partons.pdg_id[2 + k]


@inline
def _last_higgs(partons: Partons) -> int:
    """Return the row of the Higgs boson that is left after the showers, -1 without."""
    for row in range(partons.filled[0]):
        if partons.pdg_id[row] == HIGGS and partons.status[row] == FINAL:
            return row
    return -1


@kernel
def _partons(process: int, stream: Stream, asked: int, tables: EngineTables, ws: EngineWorkspace) -> int:
    """Shower, scatter again, leave remnants, note the Higgs boson, reconnect colours; return 0 or a code.

    Momenta stand when the remnants have theirs: that is when an event is judged.
    """
    partons, systems, dice = ws.partons, ws.systems, ws.dice
    throw_from(ws.shower[0].ghosts, stream, VARIATIONS, 0)
    throw_from(dice, stream, ACTIVITY, 0)
    start = BEAM_ENERGY if process == SIGNAL else systems.scale[0]
    code = collide(start, partons, systems, tables.activity, ws.hard.scattering, ws.shower, dice)
    lap(ws.laps, laps.SHOWERS)
    if code < 0:
        return code
    higgs = -1
    if process == SIGNAL:
        throw_from(dice, stream, SHOWER, 0)
        higgs = _last_higgs(partons)
        code = decay_higgs(higgs, partons, systems, tables.activity.shower, ws.shower, dice)
        lap(ws.laps, laps.HIGGS_DECAY)
        if code < 0:
            return code
    throw_from(dice, stream, REMNANTS, 0)
    for side in range(2):
        if leave_flavours(side, partons, systems, dice, ws.remnants) < 0:
            return FULL
    if not give_momenta(partons, systems, dice, ws.remnants):
        return IMPOSSIBLE
    lap(ws.laps, laps.REMNANTS)
    for c in range(4):
        ws.higgs[c] = partons.p4[higgs, c] if higgs >= 0 else 0.0
    hopeless = asked != WHOLE and not can_give_row(partons, ws.higgs, asked, THRESHOLD, ws.discs)
    lap(ws.laps, laps.PROSPECTS)
    if hopeless:
        return HOPELESS
    throw_from(dice, stream, RECONNECTION, 0)
    if not reconnect(partons, systems, PT0, dice, ws.reconnection):
        return FULL
    lap(ws.laps, laps.RECONNECTION)
    throw_from(dice, stream, REMNANTS, 1)
    for side in range(2):
        if not connect_colours(side, partons, systems, dice, ws.remnants):
            return IMPOSSIBLE
    return 0


@kernel
def attempt_event(process: int, stream: Stream, attempt: int, asked: int, tables: EngineTables, ws: EngineWorkspace
                  ) -> tuple[int, float, float]:
    """Make an event, without particles if it can give no row and none else is asked for.

    Returns 0 or a code, the weight [pb] and pT-hat [GeV].
    """
    forget_partons(ws.partons, ws.systems)
    throw_from(ws.dice, stream, HARD_PROCESS, 0)
    weight, pthat = sample_hard_process(ws.partons, ws.systems, ws.dice, tables.hard, ws.hard)
    lap(ws.laps, laps.HARD_PROCESS)
    if weight < 0.0:
        return FULL, weight, pthat
    _note_hard_partons(ws)
    own = attempt_stream(stream, attempt)
    ws.hadrons.filled[0] = 0
    code = _partons(process, own, asked, tables, ws)
    lap(ws.laps, laps.REMNANTS)
    if code < 0:
        return 0 if code == HOPELESS else code, weight, pthat
    code = hadronise(ws.partons, ws.hadrons, tables.strings, ws.strings, own)
    lap(ws.laps, laps.STRINGS)
    if code < 0:
        return code, weight, pthat
    code = decay_all(ws.hadrons, tables.species, tables.decays, ws.products, own, ws.dice)
    lap(ws.laps, laps.DECAYS)
    return FULL if code < 0 else 0, weight, pthat


@inline
def _gather_weights(ws: EngineWorkspace) -> None:
    """Collect the weights of the variations, if there are any."""
    for k in range(len(ws.weights)):
        ws.weights[k] = ws.shower[0].weights[k] if k < BOWLER else ws.strings.walk.weights[k - BOWLER]


@kernel
def make_event(process: int, stream: Stream, asked: int, tables: EngineTables, ws: EngineWorkspace
               ) -> tuple[int, float, float]:
    """Make an event, in as many attempts as it needs.

    Parameters
    ----------
    process : int
        `processes.SIGNAL` or `processes.QCD`.
    stream : Stream
        The event's random numbers.
    asked : int
        `prospects.WHOLE`, or of which rows events that can give none need no particles.
    tables : EngineTables
        From `engine_tables`.
    ws : EngineWorkspace
        Holds the event afterwards.

    Returns
    -------
    tuple[int, float, float]
        Number of attempts, `FULL` if a list is too short or `IMPOSSIBLE`; the weight [pb]; pT-hat [GeV].
    """
    ws.shower[0].weights[:] = 1.0
    ws.strings.walk.weights[:] = 1.0
    for attempt in range(MOST_ATTEMPTS):
        code, weight, pthat = attempt_event(process, stream, attempt, asked, tables, ws)
        if code == 0:
            _gather_weights(ws)
            return attempt + 1, weight, pthat
        if code == FULL:
            return FULL, weight, pthat
    return IMPOSSIBLE, weight, pthat
