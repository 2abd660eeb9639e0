"""Rows of an event whose jets are found: selection, labels, flavour algorithms and substructure of each large-R jet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core import laps
from pseudoexp.core.jit import kernel
from pseudoexp.core.kinematics import delta_r, eta, mass, phi, pt
from pseudoexp.core.laps import lap
from pseudoexp.core.record import EventRecord
from pseudoexp.dataset import schema
from pseudoexp.dataset.schema import row
from pseudoexp.dataset.spectrum_weight import spectrum_weight
from pseudoexp.dataset.weights import SpectrumRatio
from pseudoexp.detector.pileup import PileUp
from pseudoexp.detector.tables import DetectorTables
from pseudoexp.early_test import EarlyWorkspace, early_workspace
from pseudoexp.flavour.association import associate
from pseudoexp.flavour.ip3d import ip3d
from pseudoexp.flavour.jetfitter import jetfitter
from pseudoexp.flavour.labels import (
    LARGE_HBB,
    LARGE_LABEL,
    LARGE_N_B,
    LARGE_N_C,
    LARGE_N_HIGGS,
    LARGE_QCD,
    VR_LABEL,
    VR_N_B,
    VR_N_C,
    label_large_jet,
    label_vr_jets,
)
from pseudoexp.flavour.sv1 import sv1
from pseudoexp.flavour.templates import IP3DTemplates
from pseudoexp.flavour.two_track import prepare_jet
from pseudoexp.flavour.workspace import FlavourSettings, FlavourWorkspace, flavour_workspace
from pseudoexp.image_rows import fill_image
from pseudoexp.jets.calibration import JetCalibration
from pseudoexp.jets.candidates import track_jet_radius, trimmed_jet
from pseudoexp.jets.scale import calibrated_mass_factor, calibrated_pt_factor
from pseudoexp.jets.substructure import SubstructureWorkspace, substructure_workspace, tau21_and_d2
from pseudoexp.reconstruction import OVERFLOW, Counts, ReconstructionWorkspace, reconstruction_workspace
from pseudoexp.track_rows import fill_tracks

MIN_PT, MAX_PT, MAX_ETA = 250.0, 3000.0, 2.0
"""Selection of the trimmed, calibrated large-R jet; GeV."""
_FAR_FROM_HIGGS = 1.5
"""An untrimmed jet this far from the Higgs boson is no hbb jet, whose trimmed axis is within 0.75."""

_PT, _ETA, _MASS = row("pt"), row("eta"), row("mass")
_VR = (row("vr1_pt"), row("vr2_pt"))
_VR_TRUTH = (row("vr1_truth_label"), row("vr2_truth_label"))
_IP3D, _SV1, _JF, _VR_END = (row(f"vr1_{name}") - row("vr1_pt") for name in ("ip3d_bu", "sv1_mass", "jf_mass", "jf_dr"))
_LABEL, _LARGE_LABEL = row("flavour_label"), row("R10TruthLabel_R22v1")
_GHOSTS = row("GhostHBosonsCount")
_BENCHMARK = row("benchmarkWeight")
_HIGGS_PT, _HIGGS_MASS = row("truthHiggsPt"), row("truthHiggsMass")
_CONCENTRIC, _DR, _TAU21, _D2 = row("vr_concentric"), row("dR_vr1_vr2"), row("tau21"), row("D2")
_UNTRIMMED = row("massUntrimmed")
_PHI = len(schema.JET_FIELDS)  # column of the jet's phi, where the caller has one more
_HBB, _QCD, _OTHER = range(3)


class ChainTables(NamedTuple):
    """Everything the kernels read that does not change from event to event."""

    detector: DetectorTables
    pileup: PileUp
    jets: JetCalibration
    ip3d: IP3DTemplates
    weights: SpectrumRatio
    flavour: FlavourSettings


class Wanted(NamedTuple):
    """Which rows an event is to give; signal events give hbb and other rows, QCD events qcd rows."""

    hbb: bool
    others: bool


class ChainWorkspace(NamedTuple):
    """Buffers of one event."""

    early: EarlyWorkspace
    reconstruction: ReconstructionWorkspace
    flavour: FlavourWorkspace
    substructure: SubstructureWorkspace
    assigned: NDArray[np.int32]  # (tracks,) VR jet of each track
    distance2: NDArray[np.float64]  # (tracks,) dR^2 to it
    associated: NDArray[np.int32]  # (VR jets, tracks per jet)
    n_associated: NDArray[np.int32]  # (VR jets,)
    vr_labels: NDArray[np.int32]  # (VR jets, 4)
    hadron_pt: NDArray[np.float64]  # (VR jets,)
    large_labels: NDArray[np.int32]  # (4,)
    jet_p4: NDArray[np.float64]  # (4,)
    order: NDArray[np.float64]  # (tracks,) scratch of the track dataset
    laps: NDArray[np.int64]  # what the stages take


def chain_workspace(capacity: int, tables: DetectorTables) -> ChainWorkspace:
    """Return buffers for events of up to `capacity` particles."""
    vr_jets, per_jet = max(capacity // 16, 64), max(capacity // 8, 128)
    return ChainWorkspace(
        early=early_workspace(), reconstruction=reconstruction_workspace(capacity, tables),
        flavour=flavour_workspace(per_jet),
        substructure=substructure_workspace(min(max(capacity // 4, 1024), 4096)),
        assigned=np.zeros(capacity, np.int32),
        distance2=np.zeros(capacity), associated=np.zeros((vr_jets, per_jet), np.int32),
        n_associated=np.zeros(vr_jets, np.int32), vr_labels=np.zeros((vr_jets, 4), np.int32),
        hadron_pt=np.zeros(vr_jets), large_labels=np.zeros(4, np.int32), jet_p4=np.zeros(4), order=np.zeros(capacity),
        laps=laps.clock())


@kernel
def flavour_inputs(vr: int, tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Fill the 18 inputs of a track jet; `out` (18,) starts at its pT. Reconstructed quantities only."""
    detector = ws.reconstruction.detector
    tracks, vertex = detector.tracks, detector.primary_vertex
    p4 = ws.reconstruction.jets.vr[vr]
    rows, count = ws.associated[vr], ws.n_associated[vr]
    out[0] = pt(p4[0], p4[1])
    out[1] = eta(p4[0], p4[1], p4[2])
    if prepare_jet(tracks, rows, count, p4, vertex, tables.flavour, ws.flavour) < 0:
        return OVERFLOW
    lap(ws.laps, laps.PAIRS)
    bu, bc, cu = ip3d(tracks, rows, count, tables.ip3d, ws.flavour)
    lap(ws.laps, laps.IP3D)
    out[_IP3D], out[_IP3D + 1], out[_IP3D + 2] = bu, bc, cu
    sv1(tracks, rows, count, p4, vertex, tables.flavour, ws.flavour, out[_SV1:_JF])
    lap(ws.laps, laps.SV1)
    jetfitter(tracks, rows, count, p4, vertex, tables.flavour, ws.flavour, out[_JF:_VR_END + 1])
    lap(ws.laps, laps.JETFITTER)
    return 0


@kernel
def selected_jet(jet: int, n_towers: int, tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Trim, calibrate and select large-R jet `jet`: its columns in `out`; its constituents, or -1 if it fails."""
    reconstruction = ws.reconstruction
    n, px, py, pz, e = trimmed_jet(reconstruction.detector.towers.p4, n_towers, jet, reconstruction.jets)
    if n == 0:
        return -1
    jet_eta = eta(px, py, pz)
    factor = calibrated_pt_factor(tables.jets, pt(px, py), abs(jet_eta))
    jet_pt, jet_mass = factor * pt(px, py), factor * mass(px, py, pz, e)
    if not (MIN_PT <= jet_pt < MAX_PT and abs(jet_eta) < MAX_ETA):
        return -1
    jet_mass *= calibrated_mass_factor(tables.jets, jet_pt, jet_mass)
    out[_PT], out[_ETA], out[_MASS] = jet_pt, jet_eta, jet_mass
    if len(out) > _PHI:
        out[_PHI] = phi(px, py)
    untrimmed = reconstruction.jets.tower_clusters.jet_p4[jet]
    out[_UNTRIMMED] = mass(untrimmed[0], untrimmed[1], untrimmed[2], untrimmed[3])
    ws.jet_p4[0], ws.jet_p4[1], ws.jet_p4[2], ws.jet_p4[3] = px, py, pz, e
    return n


@kernel
def leading_track_jets(jet: int, n_track_jets: int, ws: ChainWorkspace) -> tuple[int, int]:
    """Return the two track jets of highest pT inside a large-R jet, -1 where there is none."""
    first, second = -1, -1
    for v in range(n_track_jets):
        if ws.reconstruction.jets.vr_large[v] == jet:
            if first < 0:
                first = v
            elif second < 0:
                second = v
    return first, second


@kernel
def _track_jet_columns(i: int, vr: int, tables: ChainTables, ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Fill the inputs and the labels of the i-th track jet of a row."""
    first = _VR[i]
    status = flavour_inputs(vr, tables, ws, out[first:first + _VR_END + 1])
    k = _VR_TRUTH[i]
    out[k] = ws.vr_labels[vr, VR_LABEL]
    out[k + 1] = ws.vr_labels[vr, VR_N_B]
    out[k + 2] = ws.vr_labels[vr, VR_N_C]
    out[k + 3] = ws.hadron_pt[vr]
    out[k + 4] = track_jet_radius(out[first])
    out[k + 5] = 1.0 if out[first + _SV1 + 2] > 0.0 else 0.0
    return status


@kernel
def _is_concentric(first: int, second: int, n_track_jets: int, jet: int, ws: ChainWorkspace) -> bool:
    """Whether one of the two track jets overlaps another of the same large-R jet: min dR / min R_eff < 1."""
    vr, large = ws.reconstruction.jets.vr, ws.reconstruction.jets.vr_large
    for a in (first, second):
        for b in range(n_track_jets):
            if b != a and large[b] == jet:
                smaller = min(track_jet_radius(pt(vr[a, 0], vr[a, 1])), track_jet_radius(pt(vr[b, 0], vr[b, 1])))
                if _distance(vr[a], vr[b]) < smaller:
                    return True
    return False


@kernel
def _distance(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    return delta_r(eta(p[0], p[1], p[2]), phi(p[0], p[1]), eta(q[0], q[1], q[2]), phi(q[0], q[1]))


@kernel
def truth_columns(record: EventRecord, process: int, ws: ChainWorkspace, out: NDArray[np.float64]) -> None:
    """Fill labels and the Higgs."""
    label_large_jet(record, ws.jet_p4, process, ws.large_labels)
    label = ws.large_labels[LARGE_LABEL]
    out[_LARGE_LABEL] = label
    out[_LABEL] = _HBB if label == LARGE_HBB else (_QCD if label == LARGE_QCD else _OTHER)
    out[_GHOSTS] = ws.large_labels[LARGE_N_HIGGS]
    out[_GHOSTS + 1] = ws.large_labels[LARGE_N_B]
    out[_GHOSTS + 2] = ws.large_labels[LARGE_N_C]
    higgs = record.higgs
    out[_HIGGS_PT] = pt(higgs[0], higgs[1])
    out[_HIGGS_MASS] = mass(higgs[0], higgs[1], higgs[2], higgs[3])


@kernel
def _candidate(jet: int, record: EventRecord, process: int, wanted: Wanted, counts: Counts, tables: ChainTables,
               ws: ChainWorkspace, out: NDArray[np.float64]) -> int:
    """Fill one row for large-R jet `jet`: 1 if it is selected, 0 if not, or a negative status."""
    first, second = leading_track_jets(jet, counts.track_jets, ws)
    if second < 0:
        return 0
    if not wanted.others and _distance(record.higgs, ws.reconstruction.jets.tower_clusters.jet_p4[jet]) > _FAR_FROM_HIGGS:
        return 0
    lap(ws.laps, laps.COLUMNS)
    n = selected_jet(jet, counts.towers, tables, ws, out)
    lap(ws.laps, laps.TRIMMING)
    if n < 0:
        return 0
    truth_columns(record, process, ws, out)
    if not (wanted.hbb if out[_LABEL] == _HBB else wanted.others):
        return 0
    lap(ws.laps, laps.COLUMNS)
    for i, vr in enumerate((first, second)):
        status = _track_jet_columns(i, vr, tables, ws, out)
        if status < 0:
            return status
    jets = ws.reconstruction.jets
    lap(ws.laps, laps.COLUMNS)
    out[_TAU21], out[_D2] = tau21_and_d2(jets.trimmed, jets.trimmed_directions, n, ws.substructure)
    lap(ws.laps, laps.SUBSTRUCTURE)
    if out[_TAU21] < 0.0 or out[_D2] < 0.0:
        return OVERFLOW
    out[_DR] = _distance(jets.vr[first], jets.vr[second])
    out[_CONCENTRIC] = 1.0 if _is_concentric(first, second, counts.track_jets, jet, ws) else 0.0
    out[_BENCHMARK] = spectrum_weight(tables.weights, out[_PT], abs(out[_ETA])) if out[_LABEL] == _HBB else 1.0
    return 1


@kernel
def rows_of_jets(record: EventRecord, process: int, wanted: Wanted, counts: Counts, tables: ChainTables,
                  ws: ChainWorkspace, out: NDArray[np.float64], out_tracks: NDArray[np.float64],
                  out_images: NDArray[np.float64]) -> int:
    """Fill the rows of an event whose jets are found; return their number or a negative status."""
    detector, jets = ws.reconstruction.detector, ws.reconstruction.jets
    if associate(detector.tracks, counts.tracks, detector.primary_vertex, jets.vr, counts.track_jets, ws.assigned,
                 ws.distance2, ws.associated, ws.n_associated) < 0:
        return OVERFLOW
    lap(ws.laps, laps.ASSOCIATION)
    label_vr_jets(record, jets.vr, counts.track_jets, ws.vr_labels, ws.hadron_pt)
    n = 0
    for jet in range(counts.large_jets):
        if n == len(out):
            return OVERFLOW
        status = _candidate(jet, record, process, wanted, counts, tables, ws, out[n])
        if status < 0:
            return status
        if status == 1:
            if out_tracks.shape[1] > 0:
                first, second = leading_track_jets(jet, counts.track_jets, ws)
                fill_tracks(record, detector, counts.tracks, jets.vr, first, second, ws.jet_p4, tables.flavour,
                            ws.flavour, ws.assigned, ws.order, out_tracks[n])
                lap(ws.laps, laps.TRACK_ROWS)
            if out_images.shape[1] > 0:
                fill_image(detector.towers, counts.towers, jets.tower_clusters.jet_of, jet, ws.jet_p4, out_images[n])
                lap(ws.laps, laps.IMAGE_ROWS)
            n += 1
    return n
