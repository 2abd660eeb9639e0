"""Colour reconnection: soft scatterings attach their partons to the strings of harder ones.

The scheme of T. Sjostrand, M. van Zijl, Phys. Rev. D36 (1987) 2019, and of Pythia8's default model, in which whole scatterings
are merged: one of transverse momentum pT joins a harder one with probability r^2 / (r^2 + pT^2), r = range x pT0, tried
for each harder one in turn. Its gluons, the hardest first, are then taken out of their own strings and inserted where they
lengthen a string of the harder one least, by (p_i p_g)(p_g p_j) / (p_i p_j); then its pairs of quark and antiquark, the
lightest first, as if they were gluons. A string that ends at the hole an incoming parton left counts, one between two
holes does not. This is done before remnants and scatterings are connected. What is moved where was read off PYTHIA's
events with colours before and after.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.partons import FINAL, Partons, Systems, new_colour
from pseudoexp.engines.builtin.recoil import product

RANGE = 1.8
_GLUON = 21
_LEAST_PRODUCT = 1e-12
"""GeV^2; four-products of parallel momenta may be zero or below by rounding."""
_MARK = (1 << 16) - 1
"""The bits of a length that name its string."""


class ReconnectionWorkspace(NamedTuple):
    """Buffers of the reconnection."""

    of_colour: NDArray[np.int32]  # (tags,) parton with this tag as colour, -1 without
    of_anticolour: NDArray[np.int32]  # (tags,)
    joins: NDArray[np.int32]  # (systems,) the hardest scattering that a scattering is merged with; itself if none
    string_of: NDArray[np.int32]  # (tags,) strings to consider: their tags
    ends: NDArray[np.float64]  # (9, tags) momenta p_i and p_j of their ends, and 1 / (p_i p_j)
    gluons: NDArray[np.int32]  # (partons,) of a scattering that is merged, the hardest first
    pt2: NDArray[np.float64]  # (partons,) and their pT^2
    quarks: NDArray[np.int32]  # (partons,) and its quarks and antiquarks


def reconnection_workspace(systems: int, partons: int) -> ReconnectionWorkspace:
    """Return buffers for up to `systems` scatterings and `partons` partons."""
    tags = 4 * partons
    return packed(ReconnectionWorkspace(
        of_colour=np.zeros(tags, np.int32), of_anticolour=np.zeros(tags, np.int32), joins=np.zeros(systems, np.int32),
        string_of=np.zeros(tags, np.int32), ends=np.zeros((9, tags)),
        gluons=np.zeros(partons, np.int32), pt2=np.zeros(partons), quarks=np.zeros(partons, np.int32)))


@kernel
def merge_systems(systems: Systems, pt0: float, dice: Dice, joins: NDArray[np.int32]) -> int:
    """Choose for each scattering the harder one that it joins, and follow that one's choice; return how many join."""
    n, merged = systems.filled[0], 0
    r2 = RANGE * RANGE * pt0 * pt0
    for s in range(n):
        joins[s] = s
    for s in range(n - 1, 0, -1):
        chance = r2 / (r2 + systems.scale[s] * systems.scale[s])
        for harder in range(s - 1, -1, -1):
            if throw(dice) < chance:
                joins[s] = harder
                merged += 1
                break
    for s in range(1, n):
        joins[s] = joins[joins[s]]
    return merged


@kernel
def find_ends(partons: Partons, systems: Systems, ws: ReconnectionWorkspace) -> bool:
    """List for each tag the parton with it as colour and the one with it as anticolour; False if there are too many tags.

    A parton that enters a scattering is an end with colour and anticolour exchanged: it stands for the hole it left.
    """
    tags = partons.filled[1] + 1
    if tags + partons.filled[0] >= len(ws.of_colour):
        return False
    for tag in range(tags):
        ws.of_colour[tag] = -1
        ws.of_anticolour[tag] = -1
    for i in range(partons.filled[0]):
        if partons.status[i] == FINAL:
            ws.of_colour[partons.colour[i, 0]] = i
            ws.of_anticolour[partons.colour[i, 1]] = i
    for s in range(systems.filled[0]):
        for side in range(2):
            i = systems.incoming[s, side]
            ws.of_colour[partons.colour[i, 1]] = i
            ws.of_anticolour[partons.colour[i, 0]] = i
    return True


@kernel
def _list_string(tag: int, k: int, partons: Partons, ws: ReconnectionWorkspace) -> None:
    """Note string `tag` as the k-th to consider."""
    i, j = ws.of_colour[tag], ws.of_anticolour[tag]
    ws.string_of[k] = tag
    for c in range(4):
        ws.ends[c, k], ws.ends[4 + c, k] = partons.p4[i, c], partons.p4[j, c]
    ws.ends[8, k] = 1.0 / max(product(partons.p4[i], partons.p4[j]), _LEAST_PRODUCT)


@kernel
def list_strings(target: int, partons: Partons, ws: ReconnectionWorkspace) -> int:
    """List the strings of the scattering `target` with at least one outgoing end; return how many."""
    n = 0
    for tag in range(1, partons.filled[1] + 1):
        i, j = ws.of_colour[tag], ws.of_anticolour[tag]
        if i < 0 or j < 0 or i == j or partons.system[i] != target or partons.system[j] != target:
            continue
        if partons.status[i] == FINAL or partons.status[j] == FINAL:
            _list_string(tag, n, partons, ws)
            n += 1
    return n


@kernel
def cheapest_string(px: float, py: float, pz: float, e: float, n: int, ws: ReconnectionWorkspace) -> int:
    """Return the listed string that something with colour and anticolour and this momentum lengthens least.

    Positive numbers are ordered as the integers with the same bits; the last of these name the string, so that the loop becomes
    vector instructions.
    """
    x, y, z, t, inverse = ws.ends[0], ws.ends[1], ws.ends[2], ws.ends[3], ws.ends[8]
    u, v, w, s = ws.ends[4], ws.ends[5], ws.ends[6], ws.ends[7]
    best = np.int64(0x7FFFFFFFFFFFFFFF)
    for k in range(n):
        a = t[k] * e - x[k] * px - y[k] * py - z[k] * pz
        b = s[k] * e - u[k] * px - v[k] * py - w[k] * pz
        length = max(a, 0.0) * max(b, 0.0) * inverse[k]
        best = min(best, (np.float64(length).view(np.int64) & ~_MARK) | k)
    return int(best & _MARK)


@inline
def _end_anticolour(row: int, tag: int, partons: Partons, ws: ReconnectionWorkspace) -> None:
    """Let a colour line end at a parton: the anticolour of an outgoing one, the colour of an incoming one."""
    partons.colour[row, 1 if partons.status[row] == FINAL else 0] = tag
    ws.of_anticolour[tag] = row


@kernel
def move(one: int, other: int, n: int, partons: Partons, ws: ReconnectionWorkspace) -> int:
    """Move partons to the listed string that they lengthen least; return the number of listed strings.

    `one` has the colour and `other` the anticolour: a gluon has both, a quark and an antiquark one each. Nothing is moved if
    what is left behind would be connected with itself.
    """
    left, right = partons.colour[other, 1], partons.colour[one, 0]
    if left != right:
        if ws.of_colour[left] == ws.of_anticolour[right]:
            return n
        _end_anticolour(ws.of_anticolour[right], left, partons, ws)
    ws.of_colour[right] = ws.of_anticolour[right] = -1
    px, py, pz, e = partons.p4[one, 0], partons.p4[one, 1], partons.p4[one, 2], partons.p4[one, 3]
    if other != one:
        px, py, pz, e = px + partons.p4[other, 0], py + partons.p4[other, 1], pz + partons.p4[other, 2], e + partons.p4[other, 3]
    k = cheapest_string(px, py, pz, e, n, ws)
    tag, new = ws.string_of[k], new_colour(partons)
    j = ws.of_anticolour[tag]
    partons.colour[one, 0] = new
    _end_anticolour(other, tag, partons, ws)
    _end_anticolour(j, new, partons, ws)
    ws.of_colour[new] = one
    _list_string(tag, k, partons, ws)
    _list_string(new, n, partons, ws)
    return n + 1


@kernel
def _list_gluons(system: int, partons: Partons, ws: ReconnectionWorkspace) -> int:
    """List the outgoing gluons of a system, the hardest first; return how many."""
    n = 0
    for g in range(partons.filled[0]):
        if partons.system[g] == system and partons.status[g] == FINAL and partons.pdg_id[g] == _GLUON:
            pt2 = partons.p4[g, 0] * partons.p4[g, 0] + partons.p4[g, 1] * partons.p4[g, 1]
            k = n
            while k > 0 and ws.pt2[k - 1] < pt2:
                ws.gluons[k], ws.pt2[k] = ws.gluons[k - 1], ws.pt2[k - 1]
                k -= 1
            ws.gluons[k], ws.pt2[k] = g, pt2
            n += 1
    return n


@kernel
def _list_quarks(system: int, partons: Partons, ws: ReconnectionWorkspace) -> int:
    """List the outgoing quarks and antiquarks of a system; return how many."""
    n = 0
    for row in range(partons.filled[0]):
        if partons.system[row] == system and partons.status[row] == FINAL and abs(partons.pdg_id[row]) <= 6:
            ws.quarks[n] = row
            n += 1
    return n


@kernel
def _lightest_pair(n: int, partons: Partons, ws: ReconnectionWorkspace) -> tuple[int, int]:
    """Take the quark and the antiquark with the smallest p p out of the `n` listed, by -1; return them, or -1 without."""
    one, other, least = -1, -1, np.inf
    for i in range(n):
        a = ws.quarks[i]
        if a < 0 or partons.pdg_id[a] < 0:
            continue
        for j in range(n):
            b = ws.quarks[j]
            if b >= 0 and partons.pdg_id[b] < 0:
                pp = product(partons.p4[a], partons.p4[b])
                if pp < least:
                    one, other, least = i, j, pp
    if one < 0:
        return -1, -1
    quark, antiquark = ws.quarks[one], ws.quarks[other]
    ws.quarks[one] = ws.quarks[other] = -1
    return quark, antiquark


@kernel
def move_system(s: int, n: int, partons: Partons, ws: ReconnectionWorkspace) -> int:
    """Move a scattering's gluons, the hardest first, then its pairs of quarks; return the number of listed strings."""
    for k in range(_list_gluons(s, partons, ws)):
        n = move(ws.gluons[k], ws.gluons[k], n, partons, ws)
    quarks = _list_quarks(s, partons, ws)
    while True:
        quark, antiquark = _lightest_pair(quarks, partons, ws)
        if quark < 0:
            return n
        n = move(quark, antiquark, n, partons, ws)


@kernel
def reconnect(partons: Partons, systems: Systems, pt0: float, dice: Dice, ws: ReconnectionWorkspace) -> bool:
    """Reconnect the colours of an event.

    Parameters
    ----------
    partons : Partons
        Showered, not yet connected with the remnants; colours are changed.
    systems : Systems
        Scatterings, the hardest first.
    pt0 : float
        Where the cross-section for scatterings is damped [GeV].
    dice : Dice
        Placed at the event's reconnection.
    ws : ReconnectionWorkspace
        Buffers.

    Returns
    -------
    bool
        False if the buffers are too small.
    """
    if merge_systems(systems, pt0, dice, ws.joins) == 0:
        return True
    if not find_ends(partons, systems, ws):
        return False
    for target in range(systems.filled[0]):
        n = -1
        for s in range(target + 1, systems.filled[0]):
            if ws.joins[s] == target:
                if n < 0:
                    n = list_strings(target, partons, ws)
                if n > 0:
                    n = move_system(s, n, partons, ws)
    return True
