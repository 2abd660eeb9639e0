"""The partons of one event, from the hard process to the strings.

A list that only grows: a branching marks its mother `REPLACED` and appends the daughters. Colour flow is kept as tags (Les
Houches accord, hep-ph/0109068): a quark has a colour, an antiquark an anticolour, a gluon both; every tag of a final
parton stands once as colour and once as anticolour among final partons and remnants. Incoming partons are listed with
positive energy; their colour line continues into the final state with the same tag on the same side.

A *system* is one scattering: 0 is the hard process, 1, 2, ... are the further ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.core.packed import packed

REPLACED, FINAL, INCOMING, REMNANT = 0, 1, 2, 3
"""Statuses: has branched or decayed; goes on to the strings; enters a system; beam remnant, goes on to the strings."""

BEAM_ENERGY = 7000.0
"""GeV; the beams are massless and run along +z (side 0) and -z (side 1)."""
SEA, VALENCE, SECOND_VALENCE = 0, 1, 2
"""What an incoming quark was inside its proton; a gluon counts as sea. Valence quarks after the first are so for the densities
alone: beam remnants treat them as sea."""


class Partons(NamedTuple):
    """Partons in the order they were made."""

    p4: NDArray[np.float64]  # (capacity, 4) px, py, pz, E [GeV]
    mass: NDArray[np.float64]  # (capacity,) on the mass shell: E^2 - p^2 = mass^2
    pdg_id: NDArray[np.int32]  # (capacity,) a diquark in a remnant has its four-digit number
    colour: NDArray[np.int32]  # (capacity, 2) tags of colour and anticolour, 0 without
    status: NDArray[np.int32]  # (capacity,)
    mother: NDArray[np.int32]  # (capacity,) row, -1 for the first of a system
    system: NDArray[np.int32]  # (capacity,)
    from_higgs: NDArray[np.bool_]  # (capacity,) whether the parton descends from the Higgs boson
    filled: NDArray[np.int64]  # (2,) partons in the list; last colour tag in use


class Systems(NamedTuple):
    """Scatterings in the order they were made."""

    incoming: NDArray[np.int32]  # (systems, 2) row of the parton that enters now, side 0 and 1
    x: NDArray[np.float64]  # (systems, 2) its share of the beam's momentum
    origin: NDArray[np.int32]  # (systems, 2) SEA, VALENCE or SECOND_VALENCE
    partner: NDArray[np.int32]  # (systems, 2) which other system took its companion from the same proton, -1: none
    scale: NDArray[np.float64]  # (systems,) pT at which showers start [GeV]
    filled: NDArray[np.int64]  # (1,)


def new_partons(capacity: int) -> Partons:
    """Return an empty list for up to `capacity` partons."""
    return packed(Partons(
        p4=np.zeros((capacity, 4)), mass=np.zeros(capacity), pdg_id=np.zeros(capacity, np.int32),
        colour=np.zeros((capacity, 2), np.int32), status=np.zeros(capacity, np.int32),
        mother=np.zeros(capacity, np.int32), system=np.zeros(capacity, np.int32),
        from_higgs=np.zeros(capacity, np.bool_), filled=np.zeros(2, np.int64)))


def new_systems(capacity: int) -> Systems:
    """Return an empty list for up to `capacity` scatterings."""
    return packed(Systems(
        incoming=np.zeros((capacity, 2), np.int32), x=np.zeros((capacity, 2)), origin=np.zeros((capacity, 2), np.int32),
        partner=np.full((capacity, 2), -1, np.int32), scale=np.zeros(capacity), filled=np.zeros(1, np.int64)))


@inline
def forget_partons(partons: Partons, systems: Systems) -> None:
    """Empty both lists."""
    partons.filled[:] = 0
    systems.filled[0] = 0


@inline
def new_colour(partons: Partons) -> int:
    """Return a colour tag nobody has yet."""
    partons.filled[1] += 1
    return partons.filled[1]


@inline
def append_parton(partons: Partons, pdg_id: int, status: int, mother: int, system: int, px: float, py: float, pz: float,
                  e: float, mass: float, colour: int, anticolour: int) -> int:
    """Append a parton and return its row, -1 if the list is full; `from_higgs` is its mother's."""
    row = partons.filled[0]
    if row == len(partons.status):
        return -1
    partons.p4[row, 0], partons.p4[row, 1], partons.p4[row, 2], partons.p4[row, 3] = px, py, pz, e
    partons.mass[row] = mass
    partons.pdg_id[row] = pdg_id
    partons.colour[row, 0], partons.colour[row, 1] = colour, anticolour
    partons.status[row] = status
    partons.mother[row] = mother
    partons.system[row] = system
    partons.from_higgs[row] = partons.from_higgs[mother] if mother >= 0 else False
    partons.filled[0] = row + 1
    return row
