"""Truth labels of jets and tracks: the only flavour module that sees truth.

VR jets: weakly decaying b and c hadrons and taus with pT > 5 GeV belong to the nearest VR jet (by its axis), if
that is within dR < 0.3; the label is the first of b, c, tau that the jet has, else light.
Large-R jets: hbb when the last-copy Higgs lies within dR < 0.75 and two b hadrons from it within dR < 1.0.
dR is in (eta, phi). Values follow ATLAS: 5 b, 4 c, 15 tau, 0 light; 11 hbb, 10 qcd, 0 other.
"""

from __future__ import annotations

import math

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.kinematics import delta_r, eta, phi
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.reconstructed import ORIGIN_FAKE, ORIGIN_PILEUP, ORIGIN_PRIMARY, ORIGIN_SECONDARY, TrackTruth
from pseudoexp.core.record import EventRecord
from pseudoexp.core.species import TAU, is_b_hadron, is_c_hadron

LABEL_LIGHT, LABEL_C, LABEL_B, LABEL_TAU = 0, 4, 5, 15
LARGE_OTHER, LARGE_QCD, LARGE_HBB = 0, 10, 11
MIN_HADRON_PT = 5.0
MAX_DR_VR, MAX_DR_HIGGS, MAX_DR_HADRON = 0.3, 0.75, 1.0
VR_LABEL, VR_N_B, VR_N_C, VR_N_TAU = range(4)
"""Columns of the labels of VR jets."""
LARGE_LABEL, LARGE_N_HIGGS, LARGE_N_B, LARGE_N_C = range(4)
"""Columns of the labels of large-R jets."""


@inline
def distance(p, q) -> float:
    """Return dR in (eta, phi) of two four-momenta."""
    return delta_r(eta(p[0], p[1], p[2]), phi(p[0], p[1]), eta(q[0], q[1], q[2]), phi(q[0], q[1]))


@inline
def heavy_label(pdg_id: int) -> int:
    """Return LABEL_B, LABEL_C or LABEL_TAU of a heavy particle."""
    if is_b_hadron(pdg_id):
        return LABEL_B
    if is_c_hadron(pdg_id):
        return LABEL_C
    return LABEL_TAU if abs(pdg_id) == TAU else LABEL_LIGHT


@inline
def transverse(p) -> float:
    """Return pT [GeV]."""
    return math.sqrt(p[0] * p[0] + p[1] * p[1])


@kernel
def nearest_jet(p4, jets, n_jets: int, largest: float) -> int:
    """Return the jet nearest to a momentum in dR, -1 when none is nearer than `largest`."""
    best = -1
    for j in range(n_jets):
        r = distance(p4, jets[j])
        if r < largest:
            largest = r
            best = j
    return best


@kernel
def label_vr_jets(record: EventRecord, jets, n_jets: int, labels, hadron_pt) -> None:
    """Label the VR jets of an event.

    Parameters
    ----------
    record : EventRecord
        The event.
    jets, n_jets
        (n, 4) px, py, pz, E [GeV] of all VR jets of the event.
    labels : (n, 4) int32
        Receives label, and multiplicities of b hadrons, c hadrons (those of b decays too) and taus.
    hadron_pt : (n,) float64
        Receives the pT [GeV] of the leading particle of the label's kind, 0 without.
    """
    for j in range(n_jets):
        labels[j, :] = 0
        hadron_pt[j] = 0.0
    for k in range(record.heavy_p4.shape[0]):
        kind = heavy_label(record.heavy_pdg_id[k])
        p4 = record.heavy_p4[k]
        if kind == LABEL_LIGHT or not transverse(p4) > MIN_HADRON_PT:
            continue
        j = nearest_jet(p4, jets, n_jets, MAX_DR_VR)
        if j < 0:
            continue
        labels[j, VR_N_B if kind == LABEL_B else (VR_N_C if kind == LABEL_C else VR_N_TAU)] += 1
        rank = kind_rank(kind) - kind_rank(labels[j, VR_LABEL])
        if rank > 0:
            labels[j, VR_LABEL] = kind
            hadron_pt[j] = transverse(p4)
        elif rank == 0:
            hadron_pt[j] = max(hadron_pt[j], transverse(p4))


@inline
def kind_rank(label: int) -> int:
    """Return 3 for b, 2 for c, 1 for tau, 0 for light."""
    if label == LABEL_B:
        return 3
    if label == LABEL_C:
        return 2
    return 1 if label == LABEL_TAU else 0


@kernel
def label_large_jet(record: EventRecord, jet_p4, process: int, labels) -> None:
    """Label one large-R jet.

    Parameters
    ----------
    record : EventRecord
        The event.
    jet_p4 : (4,) array
        px, py, pz, E [GeV] of the jet.
    process : int
        `processes.SIGNAL` or `processes.QCD`.
    labels : (4,) int32
        Receives the label and the numbers of Higgs bosons within dR < 0.75, b and c hadrons (pT > 5 GeV) within
        dR < 1.0.
    """
    labels[:] = 0
    has_higgs = transverse(record.higgs) > 0.0 and distance(record.higgs, jet_p4) < MAX_DR_HIGGS
    from_higgs = 0
    for k in range(record.heavy_p4.shape[0]):
        kind = heavy_label(record.heavy_pdg_id[k])
        if kind == LABEL_TAU or not distance(record.heavy_p4[k], jet_p4) < MAX_DR_HADRON:
            continue
        if kind == LABEL_B and record.heavy_from_higgs[k]:
            from_higgs += 1
        if transverse(record.heavy_p4[k]) > MIN_HADRON_PT:
            labels[LARGE_N_B if kind == LABEL_B else LARGE_N_C] += 1
    labels[LARGE_N_HIGGS] = 1 if has_higgs else 0
    if process != SIGNAL:
        labels[LARGE_LABEL] = LARGE_QCD
    elif has_higgs and from_higgs >= 2:
        labels[LARGE_LABEL] = LARGE_HBB


@inline
def truth_vertex_index(record: EventRecord, truth: TrackTruth, track: int) -> int:
    """Return a track's `ftagTruthVertexIndex`: equal for tracks from one point, 0 the primary vertex, -1 without truth.

    1 + row for decays of heavy particles; what comes from a long-lived particle or an interaction in material is
    numbered by that particle, after all heavy ones.
    """
    origin = truth.origin[track]
    particle = truth.particle[track]
    if particle < 0 or origin in (ORIGIN_PILEUP, ORIGIN_FAKE):
        return -1
    if origin == ORIGIN_PRIMARY:
        return 0
    if origin == ORIGIN_SECONDARY:
        return 1 + record.heavy_p4.shape[0] + particle
    return 1 + record.heavy[particle]
