"""H -> b bbar and the shower inside: the Higgs keeps its momentum whatever its daughters radiate."""

from __future__ import annotations

import math

from pseudoexp.core.elementary import sincos
from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.dipoles import ShowerTables, ShowerWorks, add_ends, forget_ends
from pseudoexp.engines.builtin.partons import FINAL, REPLACED, Partons, Systems, append_parton, new_colour
from pseudoexp.engines.builtin.recoil import put_on_shell
from pseudoexp.engines.builtin.showers import FULL, shower_down, start_ends

_TWO_PI = 6.283185307179586


@kernel
def two_bottoms(row: int, partons: Partons, dice: Dice) -> bool:
    """Replace a Higgs boson by b and bbar, isotropic in its rest frame; return False if the list is full."""
    p, mass = partons.p4[row], partons.mass[row]
    cosine = 2.0 * throw(dice) - 1.0
    sine = math.sqrt(1.0 - cosine * cosine)
    s, c = sincos(_TWO_PI * throw(dice))
    size = math.sqrt(0.25 * mass * mass - BOTTOM_MASS * BOTTOM_MASS)
    x, y, z = size * sine * c, size * sine * s, size * cosine
    along = x * p[0] + y * p[1] + z * p[2]
    energy = (0.5 * mass * p[3] + along) / mass
    factor = (0.5 * mass + energy) / (mass + p[3])
    x, y, z = x + factor * p[0], y + factor * p[1], z + factor * p[2]
    tag = new_colour(partons)
    system = partons.system[row]
    first = append_parton(partons, 5, FINAL, row, system, x, y, z, energy, BOTTOM_MASS, tag, 0)
    second = append_parton(partons, -5, FINAL, row, system, p[0] - x, p[1] - y, p[2] - z, p[3] - energy, BOTTOM_MASS, 0, tag)
    if second < 0:
        return False
    partons.status[row] = REPLACED
    for daughter in (first, second):
        partons.from_higgs[daughter] = True
        put_on_shell(partons.p4[daughter], BOTTOM_MASS * BOTTOM_MASS)
    return True


@kernel
def decay_higgs(row: int, partons: Partons, systems: Systems, tables: ShowerTables, works: ShowerWorks, dice: Dice
                ) -> int:
    """Decay a Higgs boson to b bbar and shower the pair from m_H / 2, the largest pT there is.

    Parameters
    ----------
    row : int
        The Higgs boson, `FINAL` and with its last momentum.
    partons, systems : Partons, Systems
        The event.
    tables, works : ShowerTables, ShowerWorks
        As in `showers.shower_down`; the first workspace is used.
    dice : Dice
        Placed by `throw_from`.

    Returns
    -------
    int
        0, -1 if a list is full.
    """
    if not two_bottoms(row, partons, dice):
        return FULL
    antiquark = partons.filled[0] - 1
    work = works[0]
    forget_ends(work)
    if not add_ends(work, partons, antiquark - 1) or not add_ends(work, partons, antiquark):
        return FULL
    work.ends[0].partner, work.ends[1].partner = antiquark, antiquark - 1
    work.ends[0].vector, work.ends[1].vector = False, False
    mass = partons.mass[row]
    work.top[0] = work.counted[0] = 0.25 * mass * mass
    code = start_ends(work, partons, systems, tables, dice, -1, work.counted[0])
    return code if code < 0 else shower_down(-1, 0, 0.0, partons, systems, tables, works, dice)
