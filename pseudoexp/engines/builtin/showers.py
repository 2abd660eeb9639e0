"""The showers of one scattering: initial and final state in one sequence of falling pT.

::

    tables, work = shower_tables(), shower_work(capacity)
    throw_from(dice, stream, SHOWER, system)
    code = evolve(system, partons, systems, tables, work, dice, True)    # down from systems.scale[system]

    code = begin(system, partons, systems, tables, work, dice, True)     # the same with pauses
    code = shower_down(first, end, pause2, partons, systems, tables, works, dice)      # of systems first ... end - 1

The highest of all trials is judged first; accepted or not, evolution goes on from its pT. Only what a branching changed
gets new trials.
"""

from __future__ import annotations

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.beams import decide_origin, owe_rest
from pseudoexp.engines.builtin.dice import Dice
from pseudoexp.engines.builtin.dipoles import (
    ShowerTables,
    ShowerWork,
    ShowerWorks,
    add_ends,
    forget_ends,
    highest,
    is_shower_parton,
    link,
)
from pseudoexp.engines.builtin.evolution import height, scale2_at
from pseudoexp.engines.builtin.final_shower import branch, draw_anew, judge, renew
from pseudoexp.engines.builtin.initial_branching import branch_space
from pseudoexp.engines.builtin.initial_shower import judge_space, keep_space_trial, next_space_trial
from pseudoexp.engines.builtin.partons import Partons, Systems
from pseudoexp.engines.builtin.variations import count_final, count_initial, draw_ghosts

FULL, NO_THRESHOLD, LOST_LINE, ENDLESS = -1, -2, -3, -4
"""What goes wrong: a list is full; an incoming c or b finds no gluon to come from (draw another event); a colour line ends
nowhere (the input's colours do not match); trials come on and on, since a parton has next to no density (draw another event)."""
_MOST_TRIALS = 1_000_000


@kernel
def start_ends(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, pt2: float
               ) -> int:
    """Link all ends of the workspace and draw their first trials; return 0, or `LOST_LINE`."""
    for k in range(work.filled[0]):
        if not link(work, partons, systems, system, k):
            return LOST_LINE
    top = height(tables.final_evolution, pt2)
    for k in range(work.filled[0]):
        renew(work, partons, tables, dice, k, pt2, top)
    return 0


@inline
def _limits(system: int, q2: float, systems: Systems, work: ShowerWork) -> tuple[float, float]:
    """Return the momenta of both protons that the other systems left, and owe the rest at a scale [GeV^2]."""
    return owe_rest(0, system, q2, systems, work.rest[0]), owe_rest(1, system, q2, systems, work.rest[1])


@kernel
def _start_space(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int,
                 limits: tuple[float, float], pt2: float) -> None:
    """Draw the trials of both incoming partons."""
    for side in range(2):
        next_space_trial(work, partons, systems, tables, dice, system, side, limits[side], pt2)


@kernel
def radiate(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int,
            limits: tuple[float, float], initial: bool, pause2: float) -> int:
    """Run the shower of the ends in the workspace, from the trials they have, down to pT^2 = `pause2` [GeV^2].

    Trials below stay and can be judged later, even if the scatterings that came in between left less of the beams.

    Returns
    -------
    int
        Number of branchings, or what went wrong.
    """
    count = 0
    varied = work.varied and system <= 0
    top, final2 = 0.0, 0.0
    for _ in range(_MOST_TRIALS):
        k = highest(work.trial, work.filled[0])
        if k < 0:
            final2 = 0.0
        elif work.trial[k] != top or final2 == 0.0:
            top = work.trial[k]
            final2 = scale2_at(tables.final_evolution, top)
        side = 0 if work.space[0].trial >= work.space[1].trial else 1
        pt2 = work.space[side].trial
        work.top[0] = max(pt2, final2)
        if initial and min(work.space[0].trial, work.space[1].trial) < 0.0:
            return NO_THRESHOLD
        if work.top[0] <= pause2:
            if varied:
                draw_ghosts(work, partons, systems, tables, system, limits, initial, pause2 if work.top[0] > 0.0 else 0.0)
            return count
        if initial and pt2 > 0.0 and pt2 > final2:
            forced = work.space[side].chosen > 0.0
            mother = judge_space(work, partons, systems, tables, dice, system, side, limits[side])
            if mother == 0:
                next_space_trial(work, partons, systems, tables, dice, system, side, limits[side], pt2)
                continue
            if varied:
                draw_ghosts(work, partons, systems, tables, system, limits, initial, pt2)
                if not forced:
                    count_initial(work, tables, pt2, False)
            code = branch_space(work, partons, systems, tables, dice, system, side, mother)
            moved = True
        elif k >= 0:
            pt2 = final2
            flavour = judge(work, partons, systems, tables, dice, system, limits[0], limits[1], k, pt2)
            if flavour < 0:
                draw_anew(work, tables, dice, k, pt2, top)
                continue
            if varied:
                draw_ghosts(work, partons, systems, tables, system, limits, initial, pt2)
                count_final(work, tables, flavour, pt2, False)
            moved = work.ends[k].beam >= 0
            code = branch(work, partons, systems, tables, dice, system, k, flavour, pt2)
        else:
            return count
        if code < 0:
            return code
        if initial and moved:
            for side in range(2):
                keep_space_trial(work, partons, systems, tables, dice, system, side, limits[side], pt2)
        count += 1
    return ENDLESS


@kernel
def begin(system: int, partons: Partons, systems: Systems, tables: ShowerTables, work: ShowerWork, dice: Dice, initial: bool
          ) -> int:
    """Set up the shower of a scattering and draw its first trials; return 0, `FULL` or `LOST_LINE`. Arguments as in `evolve`."""
    forget_ends(work)
    for row in range(partons.filled[0]):
        if is_shower_parton(partons, row, system) and not add_ends(work, partons, row):
            return FULL
    pt2 = systems.scale[system] * systems.scale[system]
    work.top[0] = work.counted[0] = pt2
    code = start_ends(work, partons, systems, tables, dice, system, pt2)
    if code < 0 or not initial:
        return code
    limits = _limits(system, pt2, systems, work)
    work.space[0].old_pt2 = -1.0
    work.space[1].old_pt2 = -1.0
    _start_space(work, partons, systems, tables, dice, system, limits, pt2)
    return code


@kernel
def evolve(system: int, partons: Partons, systems: Systems, tables: ShowerTables, work: ShowerWork, dice: Dice, initial: bool
           ) -> int:
    """Shower a scattering from `systems.scale[system]` down.

    Parameters
    ----------
    system : int
        Row of `systems`. What the other systems took from the beams bounds this one's x.
    partons, systems : Partons, Systems
        The event; branchings replace and append partons, move x and the incoming rows.
    tables, work : ShowerTables, ShowerWork
        As from `shower_tables`, `shower_work`.
    dice : Dice
        Placed by `throw_from`.
    initial : bool
        Whether the incoming partons radiate, too.

    Returns
    -------
    int
        Number of branchings, else `FULL`, `NO_THRESHOLD`, `LOST_LINE` or `ENDLESS`.
    """
    code = begin(system, partons, systems, tables, work, dice, initial)
    if code < 0:
        return code
    q2 = systems.scale[system] * systems.scale[system]
    limits = _limits(system, q2, systems, work)
    return radiate(work, partons, systems, tables, dice, system, limits, initial, 0.0)


@kernel
def shower_down(first: int, end: int, pause2: float, partons: Partons, systems: Systems, tables: ShowerTables,
                works: ShowerWorks, dice: Dice) -> int:
    """Shower scatterings on, from where they paused down to `pause2`, and decide where new incoming partons are from.

    All in one call, and the only one of `radiate` in an event: to hand over all lists and tables takes as long as some trials.

    Parameters
    ----------
    first, end : int
        The scatterings are `first` ... `end` - 1; -1 stands for the decay of a Higgs boson, in the first workspace.
    pause2, partons, systems, tables, works, dice
        As in `radiate`; the workspaces of all scatterings.

    Returns
    -------
    int
        0, or what went wrong.
    """
    for system in range(first, end):
        k = max(system, 0)
        if works[k].top[0] <= pause2:
            continue
        before = (systems.incoming[k, 0], systems.incoming[k, 1])
        limits = (1.0, 1.0)
        if system >= 0:
            limits = _limits(system, pause2, systems, works[k])
        code = radiate(works[k], partons, systems, tables, dice, system, limits, system >= 0, pause2)
        if code < 0:
            return code
        for side in range(2):
            if systems.incoming[k, side] != before[side]:
                decide_origin(k, side, partons, systems, tables.densities, dice, works[k].rest[side], works[k].above)
    return 0
