"""The showers of one scattering: initial and final state in one sequence of falling pT.

::

    tables, work = shower_tables(), shower_work(capacity)
    throw_from(dice, stream, SHOWER, system)
    code = evolve(system, partons, systems, tables, work, dice, True)    # down from systems.scale[system]

The highest of all trials is judged first; accepted or not, evolution goes on from its pT. Only what a branching changed
gets new trials.
"""

from __future__ import annotations

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice
from pseudoexp.engines.builtin.dipoles import (
    ShowerTables,
    ShowerWork,
    add_ends,
    forget_ends,
    highest,
    is_coloured_final,
    link,
)
from pseudoexp.engines.builtin.final_shower import branch, judge, next_trial, renew
from pseudoexp.engines.builtin.partons import Partons, Systems

FULL, LOST_LINE = -1, -3
"""What goes wrong: a list is full; a colour line ends nowhere."""


@inline
def largest_x(systems: Systems, system: int, side: int) -> float:
    """Return the share of a beam's momentum that the other systems leave."""
    left = 1.0
    for k in range(systems.filled[0]):
        if k != system:
            left -= systems.x[k, side]
    return max(left, 1e-9)


@kernel
def start_ends(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, pt2: float
               ) -> int:
    """Link all ends of the workspace and draw their first trials; return 0, or `LOST_LINE`."""
    for k in range(work.filled[0]):
        if not link(work, partons, systems, system, k):
            return LOST_LINE
    for k in range(work.filled[0]):
        renew(work, partons, tables, dice, k, pt2)
    return 0


@kernel
def radiate(work: ShowerWork, partons: Partons, systems: Systems, tables: ShowerTables, dice: Dice, system: int, limit0: float,
            limit1: float) -> int:
    """Run the final-state shower of the ends in the workspace; return the number of branchings or -1 on overflow."""
    count = 0
    while True:
        k = highest(work)
        if k < 0:
            return count
        flavour = judge(work, partons, systems, tables, dice, system, limit0, limit1, k)
        if flavour < 0:
            next_trial(work, partons, tables, dice, k, work.trial[k])
            continue
        if branch(work, partons, systems, tables, dice, system, k, flavour) < 0:
            return FULL
        count += 1


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
        Number of branchings; `FULL` if a list is full, `LOST_LINE` for colours that do not match.
    """
    forget_ends(work)
    for row in range(partons.filled[0]):
        if is_coloured_final(partons, row, system) and not add_ends(work, partons, row):
            return FULL
    pt2 = systems.scale[system] * systems.scale[system]
    code = start_ends(work, partons, systems, tables, dice, system, pt2)
    if code < 0:
        return code
    return radiate(work, partons, systems, tables, dice, system, largest_x(systems, system, 0), largest_x(systems, system, 1))
