"""Dipole ends of a shower: who radiates against whom, and where each end's next trial stands.

Every colour and every anticolour of a final parton is one end. Its recoiler is the final parton on the other end of the
colour line, or the incoming parton that the line comes from. Each end keeps one trial, the next pT^2 of its
overestimate; the shower looks at the highest trial only, and a branching draws new trials, from its own pT^2, for the
ends it changed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.coupling import Coupling, strong_coupling
from pseudoexp.engines.builtin.parton_density import COLUMNS, Densities, densities
from pseudoexp.engines.builtin.partons import FINAL, Partons, Systems
from pseudoexp.engines.builtin.recoil import product

SHOWER_COUPLING = 0.1365
"""alpha_s(M_Z) of both showers (Monash tune)."""


class ShowerTables(NamedTuple):
    """What the showers are made of."""

    final: Coupling
    initial: Coupling
    densities: Densities


class ShowerWork(NamedTuple):
    """Dipole ends of one shower, ends of the initial-state shower and scratch arrays."""

    radiator: NDArray[np.int32]  # (ends,) row of the parton
    side: NDArray[np.int32]  # (ends,) 0 its colour, 1 its anticolour
    recoiler: NDArray[np.int32]  # (ends,) row
    beam: NDArray[np.int32]  # (ends,) side of an incoming recoiler, -1 for a final one
    partner: NDArray[np.int32]  # (ends,) row of the other quark of the pair whose matrix element corrects, -1
    vector: NDArray[np.bool_]  # (ends,) whether the pair comes from a gluon, not from a Higgs boson
    dipole2: NDArray[np.float64]  # (ends,) mass^2 of radiator + recoiler [GeV^2]
    free2: NDArray[np.float64]  # (ends,) (dipole mass - recoiler mass)^2 - radiator mass^2; pT^2 < free2 / 4
    least_z: NDArray[np.float64]  # (ends,) of the trial's overestimate
    trial: NDArray[np.float64]  # (ends,) pT^2 of the next trial, 0 when there is none
    real: NDArray[np.bool_]  # (ends,) a branching to be judged; False where only the overestimate changes
    end_of: NDArray[np.int32]  # (rows, 2) end of a parton's colour and anticolour, -1
    trio: NDArray[np.float64]  # (3, 4) radiator, emitted and recoiler after a branching
    below: NDArray[np.float64]  # (COLUMNS,) parton densities
    above: NDArray[np.float64]  # (COLUMNS,)
    space_trial: NDArray[np.float64]  # (2,) pT^2 of each incoming parton's next trial
    space_real: NDArray[np.bool_]  # (2,)
    space_z: NDArray[np.float64]  # (2, 2) range of z of the overestimate
    space_rate: NDArray[np.float64]  # (2, 2) overestimates: mother of the same kind, of the other kind
    space_bound: NDArray[np.float64]  # (2, 2) bounds of the parton density ratios
    space_before: NDArray[np.float64]  # (2, 2) z and pT^2 of the last branching, pT^2 < 0 before the first
    space_chosen: NDArray[np.float64]  # (2,) z of a threshold branching that is already accepted, else 0
    filled: NDArray[np.int64]  # (1,) ends


def shower_tables() -> ShowerTables:
    """Return couplings and densities."""
    coupling = strong_coupling(SHOWER_COUPLING)
    return ShowerTables(coupling, coupling, densities())


def shower_work(capacity: int) -> ShowerWork:
    """Return a workspace for events of up to `capacity` partons."""
    ends, rows = 2 * capacity, capacity
    return ShowerWork(
        radiator=np.zeros(ends, np.int32), side=np.zeros(ends, np.int32), recoiler=np.zeros(ends, np.int32),
        beam=np.zeros(ends, np.int32), partner=np.zeros(ends, np.int32), vector=np.zeros(ends, np.bool_),
        dipole2=np.zeros(ends), free2=np.zeros(ends), least_z=np.zeros(ends), trial=np.zeros(ends), real=np.zeros(ends, np.bool_),
        end_of=np.full((rows, 2), -1, np.int32), trio=np.zeros((3, 4)), below=np.zeros(COLUMNS), above=np.zeros(COLUMNS),
        space_trial=np.zeros(2), space_real=np.zeros(2, np.bool_), space_z=np.zeros((2, 2)), space_rate=np.zeros((2, 2)),
        space_bound=np.zeros((2, 2)), space_before=np.zeros((2, 2)), space_chosen=np.zeros(2), filled=np.zeros(1, np.int64))


@inline
def add_end(work: ShowerWork, row: int, side: int) -> int:
    """Append an end whose recoiler is not known yet; return it, -1 if the workspace is full."""
    k = work.filled[0]
    if k == len(work.trial) or row >= len(work.end_of):
        return -1
    work.radiator[k], work.side[k], work.recoiler[k], work.beam[k], work.partner[k] = row, side, -1, -1, -1
    work.trial[k] = 0.0
    work.end_of[row, side] = k
    work.filled[0] = k + 1
    return k


@kernel
def add_ends(work: ShowerWork, partons: Partons, row: int) -> bool:
    """Append the ends of a final parton; return False if the workspace is full."""
    if row >= len(work.end_of):
        return False
    for side in range(2):
        work.end_of[row, side] = -1
        if partons.colour[row, side] != 0 and add_end(work, row, side) < 0:
            return False
    return True


@kernel
def link(work: ShowerWork, partons: Partons, systems: Systems, system: int, k: int) -> bool:
    """Find the recoiler of an end; return False if its colour line ends nowhere."""
    side = work.side[k]
    tag = partons.colour[work.radiator[k], side]
    for j in range(work.filled[0]):
        if work.side[j] != side and partons.colour[work.radiator[j], 1 - side] == tag:
            work.recoiler[k], work.beam[k] = work.radiator[j], -1
            return True
    if system >= 0:
        for beam in range(2):
            if partons.colour[systems.incoming[system, beam], side] == tag:
                work.recoiler[k], work.beam[k] = systems.incoming[system, beam], beam
                return True
    return False


@kernel
def forget_ends(work: ShowerWork) -> None:
    """Start without ends and without an initial-state shower."""
    work.filled[0] = 0
    work.space_trial[:] = 0.0


@inline
def measure(work: ShowerWork, partons: Partons, k: int) -> None:
    """Compute the masses of a dipole."""
    a, b = work.radiator[k], work.recoiler[k]
    mass_a = partons.mass[a]
    mass_b = partons.mass[b] if work.beam[k] < 0 else 0.0
    dipole2 = mass_a * mass_a + mass_b * mass_b + 2.0 * product(partons.p4[a], partons.p4[b])
    reach = math.sqrt(max(dipole2, 0.0)) - mass_b
    work.dipole2[k] = dipole2
    work.free2[k] = reach * reach - mass_a * mass_a if reach > mass_a else 0.0


@inline
def opposite(work: ShowerWork, k: int) -> int:
    """Return the end on the other side of the dipole, -1 if that is an incoming parton."""
    if work.beam[k] >= 0:
        return -1
    return work.end_of[work.recoiler[k], 1 - work.side[k]]


@inline
def highest(work: ShowerWork) -> int:
    """Return the end with the highest trial, -1 if no end has one."""
    best = -1
    pt2 = 0.0
    for k in range(work.filled[0]):
        if work.trial[k] > pt2:
            pt2 = work.trial[k]
            best = k
    return best


@inline
def is_coloured_final(partons: Partons, row: int, system: int) -> bool:
    """Return whether a parton of this system takes part in its final-state shower; the Higgs's daughters do not."""
    return (partons.status[row] == FINAL and partons.system[row] == system and not partons.from_higgs[row]
            and (partons.colour[row, 0] != 0 or partons.colour[row, 1] != 0))
