"""Colour reconnection: soft scatterings attach their gluons to the strings of harder ones.

The scheme of T. Sjostrand, M. van Zijl, Phys. Rev. D36 (1987) 2019, and of Pythia8's default model, in which whole scatterings
are merged: one of transverse momentum pT joins a harder one with probability r^2 / (r^2 + pT^2), r = range x pT0, tried
for each harder one in turn. Its gluons are then taken out of their own strings, one by one, and inserted where they
lengthen a string of the harder one least, by (p_i p_g)(p_g p_j) / (p_i p_j).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.partons import FINAL, REMNANT, Partons, Systems, new_colour
from pseudoexp.engines.builtin.recoil import product

RANGE = 1.8
_GLUON = 21


class ReconnectionWorkspace(NamedTuple):
    """Buffers of the reconnection."""

    of_colour: NDArray[np.int32]  # (tags,) final parton with this tag as colour, -1 without
    of_anticolour: NDArray[np.int32]  # (tags,)
    joins: NDArray[np.int32]  # (systems,) the harder scattering that a scattering is merged with; itself if none
    string_of: NDArray[np.int32]  # (tags,) strings to consider: their tags
    end_p4: NDArray[np.float64]  # (tags, 9) momenta of their ends, and (p_i p_j)


def reconnection_workspace(systems: int, partons: int) -> ReconnectionWorkspace:
    """Return buffers for up to `systems` scatterings and `partons` partons."""
    tags = 4 * partons
    return ReconnectionWorkspace(
        of_colour=np.zeros(tags, np.int32), of_anticolour=np.zeros(tags, np.int32), joins=np.zeros(systems, np.int32),
        string_of=np.zeros(tags, np.int32), end_p4=np.zeros((tags, 9)))


@kernel
def merge_systems(systems: Systems, pt0: float, dice: Dice, joins: NDArray[np.int32]) -> int:
    """Choose for each scattering, the softest first, the harder one that it joins; return how many join."""
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
    return merged


@kernel
def find_ends(partons: Partons, ws: ReconnectionWorkspace) -> bool:
    """List for each tag the final parton with it as colour and the one with it as anticolour; False if too many."""
    tags = partons.filled[1] + 1
    if tags + partons.filled[0] >= len(ws.of_colour):
        return False
    for tag in range(tags):
        ws.of_colour[tag] = -1
        ws.of_anticolour[tag] = -1
    for i in range(partons.filled[0]):
        if partons.status[i] == FINAL or partons.status[i] == REMNANT:
            ws.of_colour[partons.colour[i, 0]] = i
            ws.of_anticolour[partons.colour[i, 1]] = i
    return True


@inline
def _merged_into(s: int, joins: NDArray[np.int32], target: int) -> bool:
    """Return whether a system is `target` or was merged with it."""
    while s >= 0 and joins[s] != s and s != target:
        s = joins[s]
    return s == target


@kernel
def _list_string(tag: int, k: int, partons: Partons, ws: ReconnectionWorkspace) -> None:
    """Note string `tag` as the k-th to consider."""
    i, j = ws.of_colour[tag], ws.of_anticolour[tag]
    ws.string_of[k] = tag
    for c in range(4):
        ws.end_p4[k, c], ws.end_p4[k, 4 + c] = partons.p4[i, c], partons.p4[j, c]
    ws.end_p4[k, 8] = product(partons.p4[i], partons.p4[j])


@kernel
def list_strings(target: int, partons: Partons, ws: ReconnectionWorkspace) -> int:
    """List the strings between two neighbours, one of them at least from the scattering `target`."""
    n = 0
    for tag in range(1, partons.filled[1] + 1):
        i, j = ws.of_colour[tag], ws.of_anticolour[tag]
        if i >= 0 and j >= 0 and i != j and (_belongs(partons, i, ws, target) and _belongs(partons, j, ws, target)):
            _list_string(tag, n, partons, ws)
            n += 1
    return n


@inline
def _belongs(partons: Partons, i: int, ws: ReconnectionWorkspace, target: int) -> bool:
    """Return whether a final parton is a remnant or comes from `target` or what was merged with it."""
    s = partons.system[i]
    return s < 0 or _merged_into(s, ws.joins, target)


@kernel
def cheapest_string(p: NDArray[np.float64], n: int, ws: ReconnectionWorkspace) -> int:
    """Return the listed string that a gluon with momentum p (4,) lengthens least, -1 if there is none."""
    best, least = -1, np.inf
    for k in range(n):
        end = ws.end_p4[k]
        a = end[3] * p[3] - end[0] * p[0] - end[1] * p[1] - end[2] * p[2]
        b = end[7] * p[3] - end[4] * p[0] - end[5] * p[1] - end[6] * p[2]
        length = a * b / end[8]
        if length < least:
            best, least = k, length
    return best


@kernel
def move_gluon(g: int, k: int, n: int, partons: Partons, ws: ReconnectionWorkspace) -> int:
    """Take gluon `g` out of its string and insert it into the k-th listed one; return the number of listed strings."""
    left, right = partons.colour[g, 1], partons.colour[g, 0]
    follower = ws.of_anticolour[right]
    partons.colour[follower, 1] = left
    ws.of_anticolour[left] = follower
    ws.of_colour[right] = ws.of_anticolour[right] = -1
    tag, new = ws.string_of[k], new_colour(partons)
    j = ws.of_anticolour[tag]
    partons.colour[g, 1], partons.colour[g, 0] = tag, new
    ws.of_anticolour[tag] = g
    partons.colour[j, 1] = new
    ws.of_colour[new], ws.of_anticolour[new] = g, j
    _list_string(tag, k, partons, ws)
    _list_string(new, n, partons, ws)
    return n + 1


@inline
def _may_move(g: int, s: int, partons: Partons, ws: ReconnectionWorkspace) -> bool:
    """Return whether parton `g` is a gluon of system `s`, or merged with it, that leaves a proper string behind."""
    if partons.status[g] != FINAL or partons.pdg_id[g] != _GLUON or not _merged_into(partons.system[g], ws.joins, s):
        return False
    return ws.of_colour[partons.colour[g, 1]] != ws.of_anticolour[partons.colour[g, 0]]


@kernel
def reconnect(partons: Partons, systems: Systems, pt0: float, dice: Dice, ws: ReconnectionWorkspace) -> bool:
    """Reconnect the colours of an event.

    Parameters
    ----------
    partons : Partons
        Showered, with remnants; colours are changed.
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
    if not find_ends(partons, ws):
        return False
    for s in range(systems.filled[0] - 1, 0, -1):
        if ws.joins[s] == s:
            continue
        target = ws.joins[s]
        ws.joins[s] = s
        n = list_strings(target, partons, ws)
        for g in range(partons.filled[0]):
            if n > 0 and _may_move(g, s, partons, ws):
                k = cheapest_string(partons.p4[g], n, ws)
                if k >= 0:
                    n = move_gluon(g, k, n, partons, ws)
        ws.joins[s] = target
    return True
