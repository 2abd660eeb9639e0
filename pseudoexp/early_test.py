"""The early test: can an event still give a large-R jet that passes, judged from its particles alone?

More than half of all events give no row. Before anything is simulated, the momenta of the visible particles are summed
in discs of radius 1.02 (`core/discs.py`), and the largest transverse momentum of one is compared with a threshold below the
cut on the calibrated, trimmed jet. Trimming only takes away, resolution and calibration add a little: what counts is the
loss, and that is measured (`bench/early_loss.py`, `bench/RESULTS.md`). Of 15,212 rows with 250-275 GeV none
had its largest disc below 237 GeV, of those above 275 GeV none below 264 GeV. A muon counts with the little it leaves in
the calorimeter.

The test is repeated when the track jets are known: a disc needs two of them. What is left tells where the calorimeter is
read out, 1.8 around the discs that pass; whatever is further away shares no tower with the jets of a row.

With pile-up the test is off: what pile-up adds to a jet is not in the event record. The built-in engine judges the partons of an
event in the same way before there are particles (`engines/builtin/prospects.py`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import species
from pseudoexp.core.discs import (
    CELL,
    END_ETA,
    FIRST_ETA,
    MAX_SLOPE,
    N_ETA,
    N_PHI,
    PER_RAD,
    Discs,
    add_to_cell,
    cell_of,
    new_discs,
    sum_discs,
)
from pseudoexp.core.jit import flat, inline, kernel
from pseudoexp.core.kinematics import delta_phi, eta, phi, pt
from pseudoexp.core.record import EventRecord
from pseudoexp.detector.simulate import EVERYWHERE
from pseudoexp.flavour.labels import MAX_DR_HADRON, MAX_DR_HIGGS
from pseudoexp.jets.candidates import LARGE_RADIUS

THRESHOLD = 235.0
"""GeV; the calibrated, trimmed jet has to reach 250."""
_TOLERANCE = 0.2  # between the axis of a jet and the centre of the disc that holds it
_REGION = 9  # cells of the calorimeter around the centre of a disc that are read out
_REGION_WIDTH = (9, 8, 8, 8, 8, 7, 6, 5, 4, 0)  # and in phi, per row of distance
_ENOUGH = 3  # the Higgs boson and two b hadrons
_BLOCK = 512  # particles treated together
_ROW_BITS = 6  # in the number of a cell, for phi


class EarlyWorkspace(NamedTuple):
    """Scratch of the early test."""

    discs: Discs
    from_higgs: NDArray[np.int64]  # (eta, phi) how many of the Higgs boson and its b hadrons are near the centre
    track_jets: NDArray[np.int64]  # (eta, phi) how many track jets are, if they are known
    cell: NDArray[np.int64]  # (block,) the cell of each of some particles, -1 for what does not count
    momentum: NDArray[np.float64]  # (3, block) their momenta [GeV]


def early_workspace() -> EarlyWorkspace:
    """Return the scratch space."""
    return EarlyWorkspace(new_discs(), np.zeros((N_ETA, N_PHI), np.int64), np.zeros((N_ETA, N_PHI), np.int64),
                          np.zeros(_BLOCK, np.int64), np.zeros((3, _BLOCK)))


_flat_cell_of = flat(cell_of)


@inline
def _find_cells(px: NDArray[np.float64], py: NDArray[np.float64], pz: NDArray[np.float64], pdg_id: NDArray[np.int32],
                cell: NDArray[np.int64]) -> None:
    """Find the cells of particles, -1 for what does not count; without a branch and with all rows dense, so it vectorises."""
    for k in range(pdg_id.shape[0]):
        transverse = pt(px[k], py[k])
        slope = pz[k] / (transverse if transverse > 0.0 else 1.0)
        counts = (transverse > 0.0) & (abs(slope) < MAX_SLOPE) & (not species.is_neutrino(pdg_id[k]))
        a, b = _flat_cell_of(px[k] if counts else 1.0, py[k], slope if counts else 0.0)
        cell[k] = (a << _ROW_BITS) + b if counts else -1


@inline
def _fill_discs(record: EventRecord, muon_pt: float, ws: EarlyWorkspace) -> None:
    """Fill the discs with all visible particles; a muon counts with `muon_pt` at most."""
    discs, p4, momentum = ws.discs, record.p4, ws.momentum
    discs.cells[:, :, :] = 0.0
    for start in range(0, p4.shape[0], _BLOCK):
        pdg_id = record.pdg_id[start:start + _BLOCK]
        for k in range(pdg_id.shape[0]):
            momentum[0, k], momentum[1, k], momentum[2, k] = p4[start + k, 0], p4[start + k, 1], p4[start + k, 2]
        _find_cells(momentum[0], momentum[1], momentum[2], pdg_id, ws.cell)
        for k in range(pdg_id.shape[0]):
            if ws.cell[k] >= 0:
                px, py = momentum[0, k], momentum[1, k]
                share = min(muon_pt / pt(px, py), 1.0) if abs(pdg_id[k]) == species.MUON else 1.0
                a, b = ws.cell[k] >> _ROW_BITS, ws.cell[k] & ((1 << _ROW_BITS) - 1)
                add_to_cell(discs, a, b, share * px, share * py)
    sum_discs(discs)


@inline
def _count_near(p4: NDArray[np.float64], largest: float, counts: NDArray[np.int64]) -> None:
    """Count a momentum at the centres of discs within dR < `largest` of it."""
    p4_eta, p4_phi = eta(p4[0], p4[1], p4[2]), phi(p4[0], p4[1])
    for a in range(FIRST_ETA, END_ETA):
        d_eta = (a + 0.5 - N_ETA // 2) * CELL - p4_eta
        if abs(d_eta) < largest:
            for k in range(N_PHI):
                d_phi = delta_phi((k + 0.5) / PER_RAD - math.pi, p4_phi)
                if d_eta * d_eta + d_phi * d_phi < largest * largest:
                    counts[a, k] += 1


@kernel
def fill_discs(record: EventRecord, muon_pt: float, ws: EarlyWorkspace) -> None:
    """Fill the discs of an event from its particles, and where a jet would hold the Higgs boson with two b hadrons.

    Parameters
    ----------
    record : EventRecord
        The event; every momentum finite.
    muon_pt : float
        What a muon counts at most [GeV].
    ws : EarlyWorkspace
        Result.
    """
    _fill_discs(record, muon_pt, ws)
    ws.from_higgs[:, :] = 0
    ws.track_jets[:, :] = _ENOUGH
    if pt(record.higgs[0], record.higgs[1]) > 0.0:
        _count_near(record.higgs, MAX_DR_HIGGS + _TOLERANCE, ws.from_higgs)
        for k in range(record.heavy_pdg_id.shape[0]):
            if record.heavy_from_higgs[k] and species.is_b_hadron(record.heavy_pdg_id[k]):
                _count_near(record.heavy_p4[k], MAX_DR_HADRON + _TOLERANCE, ws.from_higgs)


@kernel
def count_track_jets(vr: NDArray[np.float64], n: int, ws: EarlyWorkspace) -> None:
    """Let the discs know the n track jets of the event (rows px, py, pz, E): a row needs two in its jet."""
    ws.track_jets[:, :] = 0
    for j in range(n):
        _count_near(vr[j], LARGE_RADIUS + _TOLERANCE, ws.track_jets)


@kernel
def fill_region(ws: EarlyWorkspace, region: NDArray[np.int64]) -> None:
    """Fill the region of the calorimeter within 1.8 of the discs that can hold a jet of a row."""
    region[:] = 0
    for a in range(FIRST_ETA, END_ETA):
        mask = 0
        for k in range(N_PHI):
            if ws.discs.pt2[a, k] >= THRESHOLD * THRESHOLD and ws.track_jets[a, k] >= 2:
                mask |= 1 << k
        if mask != 0:
            half_width = 0
            for d in range(_REGION, -1, -1):
                mask = _spread(mask, _REGION_WIDTH[d] - half_width)
                half_width = _REGION_WIDTH[d]
                region[max(a - d, 0)] |= mask
                region[min(a + d, N_ETA - 1)] |= mask


@inline
def _spread(mask: int, steps: int) -> int:
    """Set the bits up to `steps` away from one that is set, around the circle."""
    for _ in range(steps):
        mask |= (mask << 1) | (mask >> 1) | (mask << (N_PHI - 1)) | (mask >> (N_PHI - 1))
        mask &= EVERYWHERE
    return mask


@kernel
def may_pass(of_higgs: bool, ws: EarlyWorkspace) -> bool:
    """Return whether an event can give a row: of any kind, or one of the Higgs boson."""
    needed = _ENOUGH if of_higgs else 0
    found = False
    for a in range(FIRST_ETA, END_ETA):
        for k in range(N_PHI):
            found |= (ws.discs.pt2[a, k] >= THRESHOLD * THRESHOLD) & (ws.track_jets[a, k] >= 2) & (ws.from_higgs[a, k] >= needed)
    return found
