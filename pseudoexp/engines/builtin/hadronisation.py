"""From the coloured partons of an event to its primary hadrons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.rng import Stream
from pseudoexp.engines.builtin.dice import STRING, Dice, new_dice, throw, throw_from
from pseudoexp.engines.builtin.exponential import quick_log
from pseudoexp.engines.builtin.flavour import flavour_table, light_quark, split_initial_diquark
from pseudoexp.engines.builtin.fragmentation import StringTables, Yield, draw_hadron, fragment, new_yield
from pseudoexp.engines.builtin.fragmentation_function import LUND_A, LUND_B, fraction_table
from pseudoexp.engines.builtin.hadron_table import hadron_table
from pseudoexp.engines.builtin.hadrons import Hadrons, append_hadron
from pseudoexp.engines.builtin.mini_strings import fragment_mini
from pseudoexp.engines.builtin.partons import FINAL, Partons
from pseudoexp.engines.builtin.quark_ends import quark_ends
from pseudoexp.engines.builtin.regions import (
    EX,
    EY,
    FLAVOUR,
    MESON,
    NEW,
    NEW_MESON,
    NEW_SHARED,
    PX,
    PY,
    SHARED,
    Walk,
    dot,
    light_like,
    new_walk,
    start_end,
)
from pseudoexp.engines.builtin.strings import Strings, new_strings, trace_strings
from pseudoexp.engines.builtin.transverse_momentum import draw_kick

MINIMUM_EXCESS = 1.0
"""GeV: strings of less mass above the constituent masses of their ends make one or two hadrons."""
_TRIES = 50
_NARROW = 0.1  # GeV^2: regions of closed strings that hardly ever break


class HadronisationWorkspace(NamedTuple):
    """Arrays that `hadronise` needs."""

    strings: Strings
    walk: Walk
    hadrons: Yield
    dice: Dice
    done: NDArray[np.bool_]  # (strings,)


def hadronisation_workspace(partons: int, hadrons: int, varied: bool = False) -> HadronisationWorkspace:
    """Return a workspace for events of up to `partons` in the list and `hadrons` of one string; `varied` as in `new_walk`."""
    return HadronisationWorkspace(new_strings(partons, 4 * partons), new_walk(partons, varied), new_yield(hadrons), new_dice(),
                                  np.zeros(partons, np.bool_))


def string_tables() -> StringTables:
    """Return what the strings look up."""
    return StringTables(flavour_table(), fraction_table(), hadron_table(), quark_ends())


@inline
def _mirror(walk: Walk, regions: int) -> None:
    """Fill the low regions as the far end sees them."""
    walk.regions[0] = regions
    for k in range(regions):
        for m in range(4):
            walk.ahead[1, k, m] = walk.towards[0, regions - 1 - k, m]
            walk.towards[1, k, m] = walk.ahead[0, regions - 1 - k, m]


@kernel
def lay_regions(strings: Strings, s: int, first: int, walk: Walk) -> bool:
    """Fill the low regions of a string; a closed one is opened between `first` and its neighbour.

    Returns False if two neighbours do not span a region.
    """
    start, n = strings.start[s], strings.length[s]
    regions = n + 1 if strings.closed[s] else n - 1
    a, b = walk.joint[0], walk.joint[1]
    good = True
    for k in range(regions):
        i, j = start + (first + k) % n, start + (first + k + 1) % n
        fi = 0.5 if strings.flavour[i] == 0 else 1.0
        fj = 0.5 if strings.flavour[j] == 0 else 1.0
        for m in range(4):
            a[m], b[m] = fi * strings.p4[i, m], fj * strings.p4[j, m]
        good = light_like(a, b, walk.ahead[0, k], walk.towards[0, k]) and good
    _mirror(walk, regions)
    return good


@inline
def _gather_momentum(strings: Strings, s: int, walk: Walk) -> None:
    """Put the momentum of a string into `walk.rest`."""
    walk.rest[:] = 0.0
    for i in range(strings.start[s], strings.start[s] + strings.length[s]):
        for m in range(4):
            walk.rest[m] += strings.p4[i, m]


@kernel
def _widest_pair(strings: Strings, s: int, dice: Dice) -> int:
    """Return a gluon of a closed string, drawn in proportion to p.p' of it and its neighbour."""
    start, n = strings.start[s], strings.length[s]
    total = 0.0
    for k in range(n):
        total += max(dot(strings.p4[start + k], strings.p4[start + (k + 1) % n]), 0.0)
    wanted = throw(dice) * total
    for k in range(n - 1):
        wanted -= max(dot(strings.p4[start + k], strings.p4[start + (k + 1) % n]), 0.0)
        if wanted < 0.0:
            return k
    return n - 1


@kernel
def draw_gamma(dice: Dice, largest: float) -> float:
    """Return Gamma [GeV^2] of a break far from all ends: density Gamma^a exp(-b Gamma) up to the largest possible one.

    Drawn without the limit if that is mostly below it; else as a power, which the exponential hardly changes.
    """
    power = 1.0 + LUND_A
    mean = power / LUND_B
    while largest > mean:
        ratio = -quick_log(throw(dice))
        if throw(dice) < exp(LUND_A * (quick_log(ratio) + 1.0 - ratio)) and ratio * mean < largest:
            return ratio * mean
    while True:
        gamma = largest * exp(quick_log(throw(dice)) / power)
        if throw(dice) < exp(-LUND_B * gamma):
            return gamma


@kernel
def _open_loop(tables: StringTables, work: HadronisationWorkspace, s: int) -> bool:
    """Break a closed string at a place drawn as breaks far from all ends are: Gamma, and flat in rapidity."""
    walk, dice = work.walk, work.dice
    if not lay_regions(work.strings, s, _widest_pair(work.strings, s, dice), walk):
        return False
    _gather_momentum(work.strings, s, walk)
    w2 = 2.0 * dot(walk.ahead[0, 0], walk.towards[0, 0])
    if w2 < _NARROW:
        return False
    number = walk.number[0]
    number[FLAVOUR], number[SHARED], number[MESON] = -light_quark(dice), 0, 0
    draw_hadron(tables, walk, 0, dice)
    new, shared, meson = number[NEW], number[NEW_SHARED], number[NEW_MESON]
    gamma = draw_gamma(dice, w2)
    x = exp(-throw(dice) * quick_log(w2 / gamma))
    y = gamma / (w2 * x)
    start_end(walk, 0, x, y, new, shared, 0)
    start_end(walk, 1, y, x, -new, shared, meson)
    kick_x, kick_y = draw_kick(dice)
    walk.value[0, PX], walk.value[0, PY] = kick_x, kick_y
    for m in range(4):  # the same axes at both ends, since both are in the same region
        walk.vector[1, EX, m], walk.vector[1, EY, m] = walk.vector[0, EX, m], walk.vector[0, EY, m]
    walk.value[1, PX], walk.value[1, PY] = -kick_x, -kick_y
    return True


@inline
def _start_open(work: HadronisationWorkspace, s: int) -> None:
    """Put the ends of an open string, whose regions are laid, in place; a diquark may give a popcorn meson before its baryon."""
    strings, walk = work.strings, work.walk
    _gather_momentum(strings, s, walk)
    for end in range(2):
        flavour = strings.flavour[strings.start[s] + (strings.length[s] - 1 if end == 1 else 0)]
        shared, meson = 0, 0
        if abs(flavour) > 1000:
            shared, meson = split_initial_diquark(work.dice, abs(flavour))
        start_end(walk, end, 1.0, 0.0, flavour, shared, meson)


@kernel
def _one_string(tables: StringTables, work: HadronisationWorkspace, s: int) -> int:
    """Fragment a string; return 1, 0 if it did not work out, -1 without room."""
    strings = work.strings
    closed = strings.closed[s]
    if strings.excess[s] > MINIMUM_EXCESS and (closed or lay_regions(strings, s, 0, work.walk)):
        for _ in range(_TRIES):
            if not closed:
                _start_open(work, s)
            if not closed or _open_loop(tables, work, s):
                result = fragment(tables, work.walk, work.hadrons, work.dice)
                if result != 0:
                    return result
    first = strings.start[s]
    flavour, antiflavour = strings.flavour[first], strings.flavour[first + strings.length[s] - 1]
    if closed:
        flavour = light_quark(work.dice)
        antiflavour = -flavour
    return fragment_mini(tables, strings, s, work.done, work.walk, work.hadrons, flavour, antiflavour, work.dice)


@inline
def _descends(partons: Partons, strings: Strings, s: int, made: Yield, k: int) -> bool:
    """Return whether a hadron of a string counts as the Higgs boson's: all of its string, or its own heavy quark, is."""
    if strings.higgs[s]:
        return True
    if made.rank[k] > 0 or strings.closed[s]:
        return False
    place = strings.start[s] + (strings.length[s] - 1 if made.end[k] == 1 else 0)
    flavour = abs(strings.flavour[place])
    return (flavour == 4 or flavour == 5) and partons.from_higgs[strings.row[place]]


@inline
def _append(partons: Partons, strings: Strings, s: int, made: Yield, hadrons: Hadrons) -> bool:
    """Move the hadrons of a string to the event's; return whether there was room."""
    for k in range(made.filled[0]):
        p = made.p4[k]
        if append_hadron(hadrons, made.pdg_id[k], -1, _descends(partons, strings, s, made, k), p[0], p[1], p[2], p[3],
                         made.mass[k]) < 0:
            return False
    return True


@kernel
def hadronise(partons: Partons, hadrons: Hadrons, tables: StringTables, work: HadronisationWorkspace, stream: Stream) -> int:
    """Append the primary hadrons of all coloured final partons and remnants, and the colourless final partons as they are.

    String number s draws from the random numbers of item s. Strings too light for more than two hadrons come first, while
    others can still give them momentum.

    Returns
    -------
    int
        Number of strings; -1 if an array is too small, -2 if a string can become no hadrons: the event is impossible.
    """
    strings = work.strings
    for i in range(partons.filled[0]):
        if partons.status[i] == FINAL and partons.colour[i, 0] == 0 and partons.colour[i, 1] == 0:
            p = partons.p4[i]
            if append_hadron(hadrons, partons.pdg_id[i], -1, partons.from_higgs[i], p[0], p[1], p[2], p[3],
                             partons.mass[i]) < 0:
                return -1
    n = trace_strings(partons, strings)
    if n < 0:
        return -1
    work.done[:n] = False
    for light in (True, False):
        for s in range(n):
            if work.done[s] or (light and strings.excess[s] > MINIMUM_EXCESS):
                continue
            throw_from(work.dice, stream, STRING, s)
            result = _one_string(tables, work, s)
            if result < 1:
                return result if result < 0 else -2
            work.done[s] = True
            if not _append(partons, strings, s, work.hadrons, hadrons):
                return -1
    return n
