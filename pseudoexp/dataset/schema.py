"""The columns of the file: the only definition of names, types, units and meanings.

The chain works in GeV and mm and fills plain float64 matrices, one column per field in the order below;
`pack_jets`, `pack_tracks` and `pack_images` turn them into the file's compound types and units (MeV for momenta and masses).
Writer, loader, datasheet and tests derive from this page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FORMAT_VERSION = "1.0"
"""Version of the layout: names, types and units."""
DATASET_VERSION = "0.2.0"
"""Version of the rows: a patch leaves all as they were, a minor version adds columns, a major one changes rows; before 1.0 each
one place further to the right. `python tests/golden.py` writes the rows anew that hold it to this."""
EVENTS_PER_CHUNK = 250
"""Events of one class made together; a constant of the format, because engines may seed per chunk."""

CLASSES = ("hbb", "qcd", "other")
"""Values of `flavour_label`; the third only with unmatched jets kept."""
MEV = 1000.0


@dataclass(frozen=True)
class Field:
    """One column: the file's value is `scale` times the chain's."""

    name: str
    dtype: str
    unit: str
    description: str
    scale: float = 1.0


def _momentum(name: str, text: str) -> Field:
    return Field(name, "<f4", "MeV", text, MEV)


def _number(name: str, text: str, unit: str = "") -> Field:
    return Field(name, "<f4", unit, text)


def _count(name: str, text: str) -> Field:
    return Field(name, "<i4", "", text)


def _flag(name: str, text: str) -> Field:
    return Field(name, "?", "", text)


def _track_jet_inputs(i: int) -> tuple[Field, ...]:
    p, jet = f"vr{i}_", f"track jet {i}"
    return (
        _momentum(p + "pt", f"transverse momentum of {jet}"),
        _number(p + "eta", f"pseudorapidity of {jet}"),
        _number(p + "ip3d_bu", f"IP3D log-likelihood ratio of b to light, {jet}"),
        _number(p + "ip3d_bc", f"IP3D log-likelihood ratio of b to c, {jet}"),
        _number(p + "ip3d_cu", f"IP3D log-likelihood ratio of c to light, {jet}"),
        _momentum(p + "sv1_mass", f"SV1 charged mass, pion hypothesis, {jet}"),
        _number(p + "sv1_efrac", f"SV1 tracks' share of the energy of the associated tracks, {jet}"),
        _number(p + "sv1_ntrk", f"SV1 tracks, {jet}"),
        _number(p + "sv1_l3d", f"SV1 distance to the primary vertex, {jet}", "mm"),
        _number(p + "sv1_sig3d", f"SV1 distance over its error, {jet}"),
        _number(p + "sv1_dr", f"SV1 dR of jet axis and flight direction, {jet}"),
        _momentum(p + "jf_mass", f"JetFitter mass of all tracks on the chain, {jet}"),
        _number(p + "jf_efrac", f"JetFitter tracks' share of the energy of the associated tracks, {jet}"),
        _number(p + "jf_sig3d", f"JetFitter significance of the flight lengths, {jet}"),
        _number(p + "jf_nvtx", f"JetFitter vertices with two or more tracks, {jet}"),
        _number(p + "jf_nsingle", f"JetFitter vertices with one track, {jet}"),
        _number(p + "jf_ntrk", f"JetFitter tracks in vertices with two or more, {jet}"),
        _number(p + "jf_dr", f"JetFitter dR of the summed momentum and the jet axis, {jet}"),
    )


def _track_jet_extras(i: int) -> tuple[Field, ...]:
    p, jet = f"vr{i}_", f"track jet {i}"
    return (
        _count(p + "truth_label", f"hadron label of {jet}: 5 b, 4 c, 15 tau, 0 light"),
        _count(p + "n_b", f"weakly decaying b hadrons of {jet}"),
        _count(p + "n_c", f"weakly decaying c hadrons of {jet}"),
        _momentum(p + "hadron_pt", f"pT of the leading b (else c) hadron of {jet}, 0 without"),
        _number(p + "reff", f"effective radius of {jet}"),
        _flag(p + "has_sv", f"SV1 found a vertex in {jet}"),
    )


INPUT_FIELDS: tuple[Field, ...] = (
    _momentum("pt", "transverse momentum of the trimmed, calibrated large-R jet"),
    _number("eta", "pseudorapidity of the trimmed, calibrated large-R jet"),
    _momentum("mass", "mass of the trimmed, calibrated large-R jet"),
    *_track_jet_inputs(1),
    *_track_jet_inputs(2),
)
EXTRA_FIELDS: tuple[Field, ...] = (
    Field("eventNumber", "<i8", "", "unique number of the event; eventNumber % 10 decides the split"),
    _count("flavour_label", "index into the attribute flavour_label"),
    _count("R10TruthLabel_R22v1", "11 hbb, 10 qcd, 0 other"),
    _count("GhostHBosonsCount", "Higgs bosons within dR < 0.75 of the jet"),
    _count("GhostBHadronsFinalCount", "weakly decaying b hadrons within dR < 1.0 of the jet, pT > 5 GeV"),
    _count("GhostCHadronsFinalCount", "weakly decaying c hadrons within dR < 1.0 of the jet, pT > 5 GeV"),
    *_track_jet_extras(1),
    *_track_jet_extras(2),
    Field("mcEventWeight", "<f8", "pb", "event weight; its mean over tried events is the cross-section"),
    _number("benchmarkWeight", "equal class totals, signal (pT, |eta|) as QCD's"),
    _number("actualInteractionsPerCrossing", "mean number of pile-up collisions (mu)"),
    _count("numberOfPileupCollisions", "pile-up collisions in this event"),
    _momentum("truthHiggsPt", "pT of the last-copy Higgs, 0 in QCD"),
    _momentum("truthHiggsMass", "mass of the last-copy Higgs, 0 in QCD"),
    _momentum("ptHat", "pT of the hard process"),
    _flag("vr_concentric", "the two track jets lie within the smaller effective radius of another"),
    _number("dR_vr1_vr2", "dR of the two track jets"),
    _number("tau21", "N-subjettiness ratio tau2/tau1 of the trimmed jet"),
    _number("D2", "energy correlation ratio e3/e2^3 of the trimmed jet"),
    _momentum("massUntrimmed", "mass of the untrimmed jet, uncalibrated"),
)
JET_FIELDS = INPUT_FIELDS + EXTRA_FIELDS
INPUTS: tuple[str, ...] = tuple(f.name for f in INPUT_FIELDS)
"""The 39 inputs in file order; float32, first and contiguous in every row."""
KINEMATIC_INPUTS = ("pt", "eta", "mass", "vr1_pt", "vr1_eta", "vr2_pt", "vr2_eta")

TRACK_FIELDS: tuple[Field, ...] = (
    Field("valid", "?", "", "a real track, not padding"),
    _momentum("pt", "transverse momentum"),
    _number("deta", "eta relative to the large-R jet"),
    _number("dphi", "phi relative to the large-R jet", "rad"),
    _number("d0", "transverse impact parameter to the primary vertex", "mm"),
    _number("z0SinTheta", "longitudinal impact parameter to the primary vertex times sin(theta)", "mm"),
    Field("qOverP", "<f4", "1/MeV", "charge over momentum", 1.0 / MEV),
    _number("d0Uncertainty", "error of d0", "mm"),
    _number("z0SinThetaUncertainty", "error of z0 sin(theta)", "mm"),
    Field("qOverPUncertainty", "<f4", "1/MeV", "error of q/p", 1.0 / MEV),
    _number("ptUncertainty", "error of pt, relative", ""),
    _number("detaUncertainty", "error of eta"),
    _number("dphiUncertainty", "error of phi", "rad"),
    _number("lifetimeSignedD0Significance", "d0 over its error, signed by the track jet's axis"),
    _number("lifetimeSignedZ0SinThetaSignificance", "z0 sin(theta) over its error, signed by the track jet's axis"),
    _count("vr_jet", "track jet: 0, 1 or -1"),
    _count("ftagTruthOriginLabel", "0 pile-up, 1 fake, 2 primary, 3 from b, 4 from bc, 5 from c, 6 tau, 7 secondary"),
    _count("ftagTruthVertexIndex", "tracks of one true vertex share a number, 0 is the primary"),
)

IMAGE_FIELDS: tuple[Field, ...] = (
    Field("em", "<f2", "GeV", "transverse energy in the first layer: electromagnetic, or forward where there is one layer only"),
    Field("had", "<f2", "GeV", "transverse energy in the second layer: hadronic"),
)
"""Of a pixel of the optional dataset `images`; in GeV, since a half-precision number ends at 65,504."""

VARIATIONS = "mcEventWeights"
"""Name of the optional dataset of event weights."""
VARIATION_FIELDS: tuple[Field, ...] = (
    Field("nominal", "<f8", "pb", "the event's weight: mcEventWeight"),
    Field("isr_muR_0.5", "<f8", "pb", "alpha_s of the initial-state shower at half its scale"),
    Field("isr_muR_2", "<f8", "pb", "alpha_s of the initial-state shower at twice its scale"),
    Field("fsr_muR_0.5", "<f8", "pb", "alpha_s of the final-state shower at half its scale, above pT = 4.8 GeV"),
    Field("fsr_muR_2", "<f8", "pb", "alpha_s of the final-state shower at twice its scale, above pT = 4.8 GeV"),
    Field("g_to_bb_0.5", "<f8", "pb", "half the rate of g -> b bbar above pT = 1 GeV"),
    Field("g_to_bb_2", "<f8", "pb", "twice the rate of g -> b bbar above pT = 1 GeV"),
    Field("r_b_0.66", "<f8", "pb", "Bowler's r_b 0.66 instead of 0.855: harder b hadrons"),
    Field("r_b_1.05", "<f8", "pb", "Bowler's r_b 1.05 instead of 0.855: softer b hadrons"),
)
CHUNKS = "chunks"
"""Name of a shard's table of its chunks."""
CHUNK_FIELDS: tuple[Field, ...] = (
    Field("chunk", "<i8", "", "number of the chunk: events chunk * 250 to chunk * 250 + 249 of its process"),
    Field("weight_sum", "<f8", "pb", "sum of the weights of all its events"),
    Field("process", "<i4", "", "0 signal, 1 QCD"),
    Field("rows", "<i4", "", "its rows; they stand behind those of the chunks above"),
)
PAIR_FIELDS: tuple[Field, ...] = (
    _flag("passes_nominal", "the jet gives a row under the nominal card"),
    _flag("passes_shifted", "the jet gives a row under the shifted card"),
    _count("truthJet", "number of the true jet within its event, by falling pT before trimming; -1 without"),
    _momentum("truthJetPt", "transverse momentum of the true trimmed jet"),
    _number("truthJetEta", "pseudorapidity of the true trimmed jet"),
    _number("truthJetPhi", "phi of the true trimmed jet", "rad"),
    _momentum("truthJetMass", "mass of the true trimmed jet"),
)
"""Further columns of files with the same jets under two cards, in `jets` and in `jets_shifted`."""
SHIFTED = "jets_shifted"
EVENT_COLUMNS = ("eventNumber", "mcEventWeight", "actualInteractionsPerCrossing", "numberOfPileupCollisions", "truthHiggsPt",
                 "truthHiggsMass", "ptHat")
"""Columns that the event says, whatever the detector."""


def row(name: str) -> int:
    """Return the column of a jet field in the chain's float64 matrix."""
    return [f.name for f in JET_FIELDS].index(name)


def track_column(name: str) -> int:
    """Return the column of a track field in the chain's float64 matrix."""
    return [f.name for f in TRACK_FIELDS].index(name)


def compound(fields: tuple[Field, ...]) -> np.dtype[np.void]:
    """Return the packed little-endian compound type, padded at its end to a multiple of 8 bytes."""
    sizes = [np.dtype(f.dtype).itemsize for f in fields]
    offsets = [sum(sizes[:i]) for i in range(len(sizes))]
    return np.dtype({"names": [f.name for f in fields], "formats": [f.dtype for f in fields], "offsets": offsets,
                     "itemsize": -(-sum(sizes) // 8) * 8})


JET_DTYPE = compound(JET_FIELDS)
TRACK_DTYPE = compound(TRACK_FIELDS)
IMAGE_DTYPE: np.dtype[np.void] = np.dtype([(f.name, f.dtype) for f in IMAGE_FIELDS])
VARIATION_DTYPE = compound(VARIATION_FIELDS)
CHUNK_DTYPE = compound(CHUNK_FIELDS)
PAIR_DTYPE = compound(JET_FIELDS + PAIR_FIELDS)
"""Of both tables of a file with two cards."""


def _pack(matrix: NDArray[np.float64], fields: tuple[Field, ...], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    out = np.zeros(matrix.shape[:-1], dtype=dtype)
    for i, field in enumerate(fields):
        column = matrix[..., i]
        if np.dtype(field.dtype).kind in "ib":
            out[field.name] = np.where(np.isnan(column), -1 if field.dtype != "?" else 0, column)
        else:
            out[field.name] = column * field.scale
    return out


def pack_jets(matrix: NDArray[np.float64]) -> NDArray[np.void]:
    """Turn the chain's rows (n, fields of `JET_FIELDS`; GeV, mm) into the file's compound rows (n,)."""
    return _pack(matrix, JET_FIELDS, JET_DTYPE)


def pack_tracks(matrix: NDArray[np.float64]) -> NDArray[np.void]:
    """Turn tracks (n, N, fields of `TRACK_FIELDS`; GeV, mm; NaN where padded) into compound rows (n, N)."""
    return _pack(matrix, TRACK_FIELDS, TRACK_DTYPE)


def pack_images(matrix: NDArray[np.float64]) -> NDArray[np.void]:
    """Turn images (n, N, N, fields of `IMAGE_FIELDS`; GeV) into compound pixels (n, N, N), rounded once, to nearest even."""
    return _pack(matrix, IMAGE_FIELDS, IMAGE_DTYPE)


def pack_variations(matrix: NDArray[np.float64]) -> NDArray[np.void]:
    """Turn event weights (n, fields of `VARIATION_FIELDS`) [pb] into compound rows (n,)."""
    return _pack(matrix, VARIATION_FIELDS, VARIATION_DTYPE)


def join(pieces: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Concatenate compound rows; `np.concatenate` alone drops the padding of their type."""
    first = pieces[0]
    out = np.zeros((sum(map(len, pieces)), *first.shape[1:]), dtype=first.dtype)
    return np.concatenate(pieces, out=out)


def file_event_number(process: int, event: int | NDArray[np.int64]) -> int | NDArray[np.int64]:
    """Return the file's `eventNumber` of event `event` of a process (0 signal, 1 QCD).

    Blocks of ten alternate between the classes: numbers are unique over the file, and every residue
    modulo 10 holds both classes in equal shares.
    """
    return 20 * (event // 10) + 10 * process + event % 10


def engine_event_number(number: int) -> tuple[int, int]:
    """Return (process, event) of a file's `eventNumber`: the inverse of `file_event_number`."""
    block, digit = divmod(number, 10)
    return block % 2, 10 * (block // 2) + digit


def engine_event_numbers(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return processes and events of many `eventNumber`s."""
    block, digit = np.divmod(numbers, 10)
    return block % 2, 10 * (block // 2) + digit
