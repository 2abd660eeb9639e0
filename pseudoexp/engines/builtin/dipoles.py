"""Dipole ends of a shower: who radiates against whom, and where each end's next trial stands.

Every colour and every anticolour of a final parton is one end. Its recoiler is the final parton on the other end of the
colour line, or the incoming parton that the line comes from. Each end keeps one trial, the next of its overestimate in
falling pT; the shower looks at the highest trial only. A branching draws new trials, from its own pT^2, for the ends it
changed, but not for those whose dipole became smaller only: the overestimate of the larger one bounds their rate as well,
and what is below the branching's pT^2 does not depend on what was above.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed, zero_records
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin.beams import REST, whole_proton
from pseudoexp.engines.builtin.coupling import Coupling, strong_coupling
from pseudoexp.engines.builtin.dice import DICE
from pseudoexp.engines.builtin.evolution import CUTOFF2, Evolution, evolution_of, octave
from pseudoexp.engines.builtin.overestimates import OF_GLUON, TO_BEAM, TO_VALENCE, Overestimates, overestimates, size_of
from pseudoexp.engines.builtin.parton_density import COLUMNS, Densities, densities
from pseudoexp.engines.builtin.partons import FINAL, Partons, Systems
from pseudoexp.engines.builtin.recoil import product

SHOWER_COUPLING = 0.1365
"""alpha_s(M_Z) of both showers (Monash tune)."""


_MARK = (1 << 16) - 1
"""The bits of a trial that name its end: the height itself is known to 2^-36 of itself."""


SHOWER_WEIGHTS = 6
"""How many variations of the showers have weights: all before `variations.BOWLER`."""

PT0_SQUARED = 4.0
"""p_T0^2 of the initial state [GeV^2], the same at all collision energies."""


class ShowerTables(NamedTuple):
    """What the showers are made of."""

    final: Coupling
    initial: Coupling
    densities: Densities
    final_evolution: Evolution  # in pT^2
    initial_evolution: Evolution  # in pT^2 + p_T0^2
    rates: Overestimates  # of the final state


END = np.dtype([
    ("radiator", np.int32),  # row of the parton
    ("side", np.int32),  # 0 its colour, 1 its anticolour
    ("recoiler", np.int32),  # row
    ("beam", np.int32),  # side of an incoming recoiler, -1 for a final one
    ("partner", np.int32),  # row of the other quark of the pair whose matrix element corrects, -1 without
    ("vector", np.bool_),  # whether that pair comes from a gluon, not from a Higgs boson
    ("gluon", np.bool_),  # whether the radiator is one
    ("dipole2", np.float64),  # mass^2 of radiator + recoiler [GeV^2]
    ("kind", np.int32), ("extent", np.int32), ("top", np.int32),  # row in `overestimates`, octave of the largest pT^2
    ("drawn_kind", np.int32), ("drawn_extent", np.int32), ("drawn_top", np.int32),  # for which its trial was drawn
], align=True)
"""A dipole end."""

INCOMING_END = np.dtype([
    ("trial", np.float64),  # pT^2 of the next trial, 0 when there is none, -1 for a heavy quark without a gluon to come from
    ("low", np.float64), ("high", np.float64),  # range of z of the overestimate
    ("same", np.float64), ("other", np.float64),  # its rates: mother of the same kind, of the other kind
    ("same_bound", np.float64), ("other_bound", np.float64),  # bounds of the ratios of parton densities
    ("old_z", np.float64), ("old_pt2", np.float64),  # of the last branching; pT^2 < 0 before the first
    ("chosen", np.float64),  # z of the trial, once it is known
    ("height", np.float64),  # of the trial with p_T0^2 added
    ("least", np.float64), ("least_height", np.float64),  # down to which pT^2 range, rates and bounds hold; its height likewise
    ("x", np.float64), ("most_x", np.float64), ("most_m2", np.float64), ("pdg_id", np.int32),  # and for what state
    ("genuine", np.bool_),  # as in `END`
], align=True)
"""An incoming parton in the initial-state shower."""


ShowerWork: TypeAlias = np.record
"""Dipole ends and incoming partons of one scattering's shower, and scratch memory, as from `shower_work`."""
ShowerWorks: TypeAlias = np.recarray
"""The workspaces of several scatterings, as from `shower_works`."""


def _work_type(capacity: int, ends: int) -> np.dtype[Any]:
    """Return the type of a workspace: of `ends` ends, in an event of up to `capacity` partons."""
    return np.dtype([
        ("trial", np.float64, ends),  # height (`evolution`) of each end's next trial, 0 when there is none
        ("ends", END, ends),
        ("space", INCOMING_END, 2),
        ("end_of", np.int32, (capacity, 2)),  # end of a parton's colour and anticolour, -1
        ("filled", np.int64, 1),  # ends
        ("colourless", np.int64, 1),  # row of the outgoing parton without colour, the Higgs boson, -1 without
        ("top", np.float64, 1),  # the highest trial of all when the shower paused
        ("counted", np.float64, 1),  # pT^2 down to which variations are counted
        ("trio", np.float64, (3, 4)),  # radiator, emitted and recoiler after a branching
        ("above", np.float64, COLUMNS),  # parton densities
        ("rest", np.float64, (2, REST)),  # what is left of the protons (`beams`)
        ("varied", np.uint8),  # whether `weights` are counted
        ("weights", np.float64, SHOWER_WEIGHTS),  # as in `variations.NAMES`
        ("ghosts", DICE),  # random numbers of the variations
        ("kept_end", END, 1),  # a dipole end, while its ghosts are drawn
        ("kept_space", INCOMING_END, 1),  # an incoming parton, likewise
        ("kept_trio", np.float64, (3, 4)),
    ], align=True)


def shower_tables() -> ShowerTables:
    """Return couplings and densities."""
    coupling = strong_coupling(SHOWER_COUPLING)
    return tables_for(coupling, coupling)


def tables_for(final: Coupling, initial: Coupling) -> ShowerTables:
    """Return the tables for other couplings."""
    evolution = evolution_of(final, CUTOFF2)
    return packed(ShowerTables(final, initial, densities(), evolution, evolution_of(initial, PT0_SQUARED),
                               overestimates(evolution, densities())))


def shower_works(n: int, capacity: int, ends: int, varied: bool = False) -> ShowerWorks:
    """Return workspaces of the showers of `n` scatterings, of up to `ends` ends each, in events of up to `capacity` partons.

    Variations are counted in the first, if at all.
    """
    works = zero_records(n, _work_type(capacity, ends))
    works.end_of = works.colourless = -1
    works.rest = whole_proton()
    works.weights = 1.0
    works.varied[0] = varied
    return works


def shower_work(capacity: int, varied: bool = False) -> ShowerWork:
    """Return the workspace of one shower of up to `capacity` partons."""
    work: ShowerWork = shower_works(1, capacity, 2 * capacity, varied)[0]
    return work


@inline
def add_end(work: ShowerWork, row: int, side: int, gluon: bool) -> int:
    """Append an end whose recoiler is not known yet; return it, -1 if the workspace is full."""
    k = work.filled[0]
    if k == len(work.trial) or row >= len(work.end_of):
        return -1
    end = work.ends[k]
    end.radiator, end.side, end.recoiler, end.beam, end.partner = row, side, -1, -1, -1
    end.gluon = gluon
    end.drawn_kind = -1
    work.trial[k] = 0.0
    work.end_of[row, side] = k
    work.filled[0] = k + 1
    return k


@kernel
def add_ends(work: ShowerWork, partons: Partons, row: int) -> bool:
    """Append the ends of a final parton, or note that it has no colour; return False if the workspace is full."""
    if row >= len(work.end_of):
        return False
    if partons.colour[row, 0] == 0 and partons.colour[row, 1] == 0:
        work.colourless[0] = row
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
    work.colourless[0] = -1
    for side in range(2):
        work.space[side].trial = 0.0
        work.space[side].least = np.inf


@kernel
def measure(end: np.record, partons: Partons) -> None:
    """Compute the mass of a dipole and what its trials depend on.

    Branchings have z (1 - z) > pT (M - pT) / (M^2 + m_a^2 - m_b^2) with M the dipole's, m_a the radiator's and m_b the
    recoiler's mass; from this 1 - z > pT (M - m_a) / M^2, where equality holds for massless partons.
    """
    a, b = end.radiator, end.recoiler
    p, mass_a = partons.p4[a], partons.mass[a]
    dipole2 = mass_a * mass_a + 2.0 * product(p, partons.p4[b])
    end.kind = OF_GLUON if end.gluon else 0
    if end.beam >= 0:
        end.kind += TO_VALENCE if partons.pdg_id[b] == 1 or partons.pdg_id[b] == 2 else TO_BEAM
        size = p[0] * p[0] + p[1] * p[1]
    else:
        dipole2 += partons.mass[b] * partons.mass[b]
        size = dipole2
        if mass_a > 0.0:
            size /= max(1.0 - mass_a / math.sqrt(dipole2), 1e-4) * max(1.0 - mass_a / math.sqrt(dipole2), 1e-4)
    end.dipole2, end.extent, end.top = dipole2, size_of(size), octave(0.25 * dipole2)


@inline
def settle_for(end: np.record) -> None:
    """Note that an end's trial is drawn for the dipole as measured now."""
    end.drawn_kind, end.drawn_extent, end.drawn_top = end.kind, end.extent, end.top


@inline
def is_bounded(end: np.record) -> bool:
    """Return whether the overestimate that an end's trial was drawn from bounds the rate of the dipole as measured now."""
    return end.kind == end.drawn_kind and end.extent <= end.drawn_extent and end.top <= end.drawn_top


@inline
def opposite(work: ShowerWork, k: int) -> int:
    """Return the end on the other side of the dipole, -1 if that is an incoming parton."""
    if work.ends[k].beam >= 0:
        return -1
    return work.end_of[work.ends[k].recoiler, 1 - work.ends[k].side]


@inline
def highest(trial: NDArray[np.float64], n: int) -> int:
    """Return the end with the highest trial, -1 if no end has one.

    Positive numbers are ordered as the integers that have the same bits; the last of these name the end (`marked`).
    """
    bits = trial.view(np.int64)
    best = np.int64(0)
    for k in range(n):
        best = max(best, bits[k])
    return int(best & _MARK) if best > 0 else -1


@inline
def marked(height: float, k: int) -> float:
    """Return a trial's height with the number of its end in the last bits."""
    return np.int64((np.float64(height).view(np.int64) & ~_MARK) | k).view(np.float64)


@inline
def is_shower_parton(partons: Partons, row: int, system: int) -> bool:
    """Return whether a final parton takes part in its system's shower; daughters of a Higgs boson, also final, do not."""
    return (partons.status[row] == FINAL and partons.system[row] == system
            and (not partons.from_higgs[row] or partons.pdg_id[row] == HIGGS))
