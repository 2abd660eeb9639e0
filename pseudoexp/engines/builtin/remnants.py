"""What is left of the protons: flavours and colours of the beam remnants.

After T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), sections 3 and 4. A proton is u u d. At most one quark that a
scattering takes is treated as a valence quark; every other one comes from the sea, and its antiquark (its companion) stays behind
unless another scattering took it, so that each remnant keeps a diquark and no baryon junction is needed. Remnants and the
partons taken by the scatterings form one chain of colour per proton, from the free quark (or the valence quark taken) through the
gluons in random order to the diquark; a sea quark and its companion stand in it for the gluon they come from.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.beams import DOWN, UP, valence_taken
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.partons import (
    FINAL,
    REMNANT,
    REPLACED,
    VALENCE,
    Partons,
    Systems,
    append_parton,
    new_colour,
)

_UU_SPIN_1, _UD_SPIN_0, _UD_SPIN_1 = 2203, 2101, 2103
_UD_SPIN_0_SHARE = 0.75
"""SU(6): the d quark of a proton stands beside a ud diquark of spin 0 in three of four cases."""
_TRIES = 50


class RemnantWorkspace(NamedTuple):
    """Buffers of the remnants."""

    rows: NDArray[np.int32]  # (2, capacity) rows of the remnants of each side
    partner: NDArray[np.int32]  # (2, capacity) system whose sea quark left this companion behind, -1 for valence
    filled: NDArray[np.int64]  # (2,)
    order: NDArray[np.int32]  # (capacity,) systems in the order of the chain
    colour: NDArray[np.int32]  # (partons, 2) colours while a chain is tried
    fraction: NDArray[np.float64]  # (2, capacity) shares of the remnants' momentum
    kt: NDArray[np.float64]  # (2, capacity, 2) transverse momenta of the remnants [GeV]
    incoming_kt: NDArray[np.float64]  # (2, capacity, 2) and of the partons taken from them
    frame: NDArray[np.float64]  # (capacity, 7) frames of the scatterings
    present: NDArray[np.int32]  # (partons,) rows of all partons that have not been replaced


def remnant_workspace(systems: int, partons: int) -> RemnantWorkspace:
    """Return buffers for up to `systems` scatterings and `partons` partons."""
    n = systems + 2
    return packed(RemnantWorkspace(
        rows=np.zeros((2, n), np.int32), partner=np.zeros((2, n), np.int32), filled=np.zeros(2, np.int64),
        order=np.zeros(n, np.int32), colour=np.zeros((partons, 2), np.int32), fraction=np.zeros((2, n)),
        kt=np.zeros((2, n, 2)), incoming_kt=np.zeros((2, n, 2)),
        frame=np.zeros((n, 7)), present=np.zeros(partons, np.int32)))


@inline
def _diquark(without: int, dice: Dice) -> int:
    """Return the diquark that a proton without one u or d quark leaves behind."""
    if without == DOWN:
        return _UU_SPIN_1
    return _UD_SPIN_0 if throw(dice) < _UD_SPIN_0_SHARE else _UD_SPIN_1


@inline
def _keep(side: int, partner: int, pdg_id: int, partons: Partons, ws: RemnantWorkspace) -> int:
    """Append a remnant, momentum still to come; its row, or -1."""
    row = append_parton(partons, pdg_id, REMNANT, -1, -1, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)
    if row >= 0:
        k = ws.filled[side]
        ws.rows[side, k] = row
        ws.partner[side, k] = partner
        ws.filled[side] = k + 1
    return row


@kernel
def leave_flavours(side: int, partons: Partons, systems: Systems, dice: Dice, ws: RemnantWorkspace) -> int:
    """Append the remnants of a side: the diquark first, then the quark if there is one, then companions. -1 if full."""
    ws.filled[side] = 0
    taken = valence_taken(partons, systems, side)
    free = taken
    if taken == 0:
        free = DOWN if 3.0 * throw(dice) < 1.0 else UP
    row = _keep(side, -1, _diquark(free, dice), partons, ws)
    if taken == 0:
        row = _keep(side, -1, free, partons, ws)
    for s in range(systems.filled[0]):
        flavour = partons.pdg_id[systems.incoming[s, side]]
        if abs(flavour) <= 6 and systems.origin[s, side] != VALENCE and systems.partner[s, side] < 0:
            row = _keep(side, s, -flavour, partons, ws)
    return row


@inline
def _companion(side: int, system: int, ws: RemnantWorkspace) -> int:
    """Return the row of the companion that a system's sea quark left behind."""
    for k in range(ws.filled[side]):
        if ws.partner[side, k] == system:
            return ws.rows[side, k]
    return -1


@kernel
def _join(colour: NDArray[np.int32], status: NDArray[np.int32], present: NDArray[np.int32], tag: int, other: int) -> bool:
    """Let the colour line `other` continue as `tag`; False if a gluon would be connected with itself."""
    for i in present:
        for k in range(2):
            if colour[i, k] == other:
                colour[i, k] = tag
                if colour[i, 1 - k] == tag and (status[i] == FINAL or status[i] == REMNANT):
                    return False
    return True


@kernel
def _chain(side: int, partons: Partons, systems: Systems, present: NDArray[np.int32], ws: RemnantWorkspace) -> bool:
    """Connect the colours of a side in the order of `ws.order`; False if a gluon would be connected with itself."""
    colour = ws.colour
    open_line = 0
    for k in range(ws.filled[side]):
        row = ws.rows[side, k]
        if ws.partner[side, k] < 0 and partons.pdg_id[row] < 10:
            open_line = new_colour(partons)
            colour[row, 0] = open_line
    for s in range(systems.filled[0]):
        if systems.origin[s, side] == VALENCE:
            open_line = colour[systems.incoming[s, side], 0]
    for k in range(systems.filled[0]):
        s = ws.order[k]
        if systems.origin[s, side] == VALENCE:
            continue
        row = systems.incoming[s, side]
        if partons.pdg_id[row] == 21:
            if not _join(colour, partons.status, present, open_line, colour[row, 1]):
                return False
            open_line = colour[row, 0]
            continue
        other = systems.partner[s, side]
        if other >= 0:
            if partons.pdg_id[row] > 0:
                continue
            if not _join(colour, partons.status, present, open_line, colour[row, 1]):
                return False
            open_line = colour[systems.incoming[other, side], 0]
            continue
        companion = _companion(side, s, ws)
        if partons.pdg_id[row] > 0:
            colour[companion, 1] = open_line
            open_line = colour[row, 0]
        else:
            if not _join(colour, partons.status, present, open_line, colour[row, 1]):
                return False
            open_line = new_colour(partons)
            colour[companion, 0] = open_line
    colour[ws.rows[side, 0], 1] = open_line
    return True


@kernel
def connect_colours(side: int, partons: Partons, systems: Systems, dice: Dice, ws: RemnantWorkspace) -> bool:
    """Connect remnants and taken partons of a side in random order; False if no order works."""
    n, chains = 0, systems.filled[0]
    for i in range(partons.filled[0]):
        if partons.status[i] != REPLACED:
            ws.present[n] = i
            n += 1
    present = ws.present[:n]
    for _ in range(_TRIES):
        for i in present:
            ws.colour[i, 0], ws.colour[i, 1] = partons.colour[i, 0], partons.colour[i, 1]
        for i in range(chains):
            ws.order[i] = i
        for i in range(chains - 1, 0, -1):
            j = int(throw(dice) * (i + 1))
            ws.order[i], ws.order[j] = ws.order[j], ws.order[i]
        if _chain(side, partons, systems, present, ws):
            for i in present:
                partons.colour[i, 0], partons.colour[i, 1] = ws.colour[i, 0], ws.colour[i, 1]
            return True
    return False
