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
from pseudoexp.engines.builtin.dice import Dice, new_dice
from pseudoexp.engines.builtin.parton_density import COLUMNS, Densities, densities
from pseudoexp.engines.builtin.partons import FINAL, Partons, Systems
from pseudoexp.engines.builtin.recoil import product
from pseudoexp.engines.builtin.splitting import FLAVOURS, MASSES

SHOWER_COUPLING = 0.1365
"""alpha_s(M_Z) of both showers (Monash tune)."""


class ShowerTables(NamedTuple):
    """What the showers are made of."""

    final: Coupling
    initial: Coupling
    densities: Densities


END = np.dtype([
    ("radiator", np.int32),  # row of the parton
    ("side", np.int32),  # 0 its colour, 1 its anticolour
    ("recoiler", np.int32),  # row
    ("beam", np.int32),  # side of an incoming recoiler, -1 for a final one
    ("partner", np.int32),  # row of the other quark of the pair whose matrix element corrects, -1 without
    ("vector", np.bool_),  # whether that pair comes from a gluon, not from a Higgs boson
    ("gluon", np.bool_),  # whether the radiator is one
    ("pairs", np.int32),  # flavours it has the mass to split to
    ("dipole2", np.float64),  # mass^2 of radiator + recoiler [GeV^2]
    ("free2", np.float64),  # (dipole mass - recoiler mass)^2 - radiator mass^2; pT^2 < free2 / 4
    ("narrow2", np.float64),  # mass^2 + radiator mass^2 - recoiler mass^2
    ("least", np.float64), ("least_z", np.float64),  # down to which pT^2 the overestimate holds; its lower bound of z
    ("emission", np.float64), ("pair", np.float64),  # its integrals over z
    ("genuine", np.bool_),  # whether the trial is to be judged; not where only the overestimate changes
], align=True)
"""A dipole end."""

INCOMING_END = np.dtype([
    ("trial", np.float64),  # pT^2 of the next trial, 0 when there is none, -1 for a heavy quark without a gluon to come from
    ("low", np.float64), ("high", np.float64),  # range of z of the overestimate
    ("same", np.float64), ("other", np.float64),  # its rates: mother of the same kind, of the other kind
    ("same_bound", np.float64), ("other_bound", np.float64),  # bounds of the ratios of parton densities
    ("old_z", np.float64), ("old_pt2", np.float64),  # of the last branching; pT^2 < 0 before the first
    ("chosen", np.float64),  # z of the trial, once it is known
    ("least", np.float64), ("x", np.float64), ("m2", np.float64), ("pdg_id", np.int32),  # down to which pT^2, and for what state,
    # range, rates and bounds hold
    ("genuine", np.bool_),  # as in `END`
], align=True)
"""An incoming parton in the initial-state shower."""


class ShowerWork(NamedTuple):
    """Dipole ends and incoming partons of the showers, and scratch arrays; a block of ends per scattering."""

    ends: np.recarray  # (blocks * ends,) `END`
    trial: NDArray[np.float64]  # (blocks * ends,) pT^2 of each end's next trial, 0 when there is none
    space: np.recarray  # (blocks * 2,) `INCOMING_END`
    end_of: NDArray[np.int32]  # (rows, 2) end of a parton's colour and anticolour in its block, -1
    trio: NDArray[np.float64]  # (3, 4) radiator, emitted and recoiler after a branching
    above: NDArray[np.float64]  # (COLUMNS,) parton densities
    filled: NDArray[np.int64]  # (blocks,) ends
    top: NDArray[np.float64]  # (blocks,) the highest trial of all when a shower paused
    counted: NDArray[np.float64]  # (blocks,) pT^2 down to which variations are counted
    weights: NDArray[np.float64]  # (variations,) of `variations.NAMES`; none: nothing is varied
    ghosts: Dice  # random numbers of the variations
    kept_end: np.recarray  # (1,) a dipole end, while its ghosts are drawn
    kept_space: np.recarray  # (1,) an incoming parton, likewise
    kept_trio: NDArray[np.float64]  # (3, 4)


def shower_tables() -> ShowerTables:
    """Return couplings and densities."""
    coupling = strong_coupling(SHOWER_COUPLING)
    return ShowerTables(coupling, coupling, densities())


def shower_work(capacity: int, blocks: int = 1, ends: int = 0, weights: NDArray[np.float64] | None = None) -> ShowerWork:
    """Return a workspace for events of up to `capacity` partons in `blocks` scatterings of up to `ends` ends (0: twice
    `capacity`); `weights` are varied, if there are any."""
    n = blocks * (ends if ends > 0 else 2 * capacity)
    return ShowerWork(
        ends=np.zeros(n, END).view(np.recarray), trial=np.zeros(n),
        space=np.zeros(2 * blocks, INCOMING_END).view(np.recarray), end_of=np.full((capacity, 2), -1, np.int32),
        trio=np.zeros((3, 4)), above=np.zeros(COLUMNS), filled=np.zeros(blocks, np.int64), top=np.zeros(blocks),
        counted=np.zeros(blocks), weights=np.zeros(0) if weights is None else weights, ghosts=new_dice(),
        kept_end=np.zeros(1, END).view(np.recarray), kept_space=np.zeros(1, INCOMING_END).view(np.recarray),
        kept_trio=np.zeros((3, 4)))


@inline
def block(work: ShowerWork, k: int) -> ShowerWork:
    """Return the block of the k-th scattering."""
    size = len(work.trial) // len(work.filled)
    ends: np.recarray = work.ends[k * size:(k + 1) * size]  # type: ignore[assignment]
    space: np.recarray = work.space[2 * k:2 * k + 2]  # type: ignore[assignment]
    return ShowerWork(ends, work.trial[k * size:(k + 1) * size], space, work.end_of, work.trio, work.above,
                      work.filled[k:k + 1], work.top[k:k + 1], work.counted[k:k + 1], work.weights, work.ghosts, work.kept_end,
                      work.kept_space, work.kept_trio)


@inline
def add_end(work: ShowerWork, row: int, side: int, gluon: bool) -> int:
    """Append an end whose recoiler is not known yet; return it, -1 if the workspace is full."""
    k = work.filled[0]
    if k == len(work.trial) or row >= len(work.end_of):
        return -1
    end = work.ends[k]
    end.radiator, end.side, end.recoiler, end.beam, end.partner = row, side, -1, -1, -1
    end.gluon = gluon
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
        if partons.colour[row, side] != 0 and add_end(work, row, side, partons.pdg_id[row] == 21) < 0:
            return False
    return True


@kernel
def link(work: ShowerWork, partons: Partons, systems: Systems, system: int, k: int) -> bool:
    """Find the recoiler of an end; return False if its colour line ends nowhere."""
    side = work.ends[k].side
    tag = partons.colour[work.ends[k].radiator, side]
    for j in range(work.filled[0]):
        if work.ends[j].side != side and partons.colour[work.ends[j].radiator, 1 - side] == tag:
            work.ends[k].recoiler, work.ends[k].beam = work.ends[j].radiator, -1
            return True
    if system >= 0:
        for beam in range(2):
            if partons.colour[systems.incoming[system, beam], side] == tag:
                work.ends[k].recoiler, work.ends[k].beam = systems.incoming[system, beam], beam
                return True
    return False


@kernel
def forget_ends(work: ShowerWork) -> None:
    """Start without ends and without an initial-state shower."""
    work.filled[0] = 0
    for side in range(2):
        work.space[side].trial = 0.0
        work.space[side].least = np.inf


@kernel
def measure(ends: np.recarray, p4: NDArray[np.float64], mass: NDArray[np.float64], k: int) -> None:
    """Compute the masses of a dipole."""
    end = ends[k]
    a, b = end.radiator, end.recoiler
    mass_a = mass[a]
    mass_b = mass[b] if end.beam < 0 else 0.0
    dipole2 = mass_a * mass_a + mass_b * mass_b + 2.0 * product(p4[a], p4[b])
    reach = math.sqrt(max(dipole2, 0.0)) - mass_b
    free2 = reach * reach - mass_a * mass_a if reach > mass_a else 0.0
    pairs = 0
    while end.gluon and pairs < FLAVOURS and free2 > 4.0 * MASSES[pairs + 1] * MASSES[pairs + 1]:
        pairs += 1
    end.least = np.inf
    end.pairs, end.dipole2, end.free2, end.narrow2 = pairs, dipole2, free2, dipole2 + mass_a * mass_a - mass_b * mass_b


@inline
def opposite(work: ShowerWork, k: int) -> int:
    """Return the end on the other side of the dipole, -1 if that is an incoming parton."""
    if work.ends[k].beam >= 0:
        return -1
    return work.end_of[work.ends[k].recoiler, 1 - work.ends[k].side]


@inline
def highest(trial: NDArray[np.float64], n: int) -> int:
    """Return the end with the highest trial, -1 if no end has one."""
    best = -1
    pt2 = 0.0
    for k in range(n):
        if trial[k] > pt2:
            pt2 = trial[k]
            best = k
    return best


@inline
def is_coloured_final(partons: Partons, row: int, system: int) -> bool:
    """Return whether a parton of this system takes part in its final-state shower; the Higgs's daughters do not."""
    return (partons.status[row] == FINAL and partons.system[row] == system and not partons.from_higgs[row]
            and (partons.colour[row, 0] != 0 or partons.colour[row, 1] != 0))
