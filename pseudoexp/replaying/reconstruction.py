"""The stages behind the event record: tracks, jets, vertices, rows.

The rows come from the chain as in production. What is shown beside them is reconstructed once more without the early test and
with the calorimeter read out everywhere, so that an event without rows can be looked at, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp import chain
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.reconstructed import D0, PHI, Z0
from pseudoexp.core.record import EventBatch, EventRecord, event
from pseudoexp.core.rng import event_stream
from pseudoexp.errors import GenerationError
from pseudoexp.flavour.association import associate
from pseudoexp.flavour.labels import LARGE_HBB, LARGE_LABEL, VR_LABEL, label_large_jet, label_vr_jets
from pseudoexp.jets.candidates import track_jet_radius, trimmed_jet
from pseudoexp.jets.scale import calibrated_mass_factor, calibrated_pt_factor
from pseudoexp.reconstruction import OVERFLOW, Counts, reconstruct
from pseudoexp.replaying.kinematic import ETA, PT, eta_of, mass_of, phi_of, pt_of
from pseudoexp.replaying.kinematic import PHI as AZIMUTH
from pseudoexp.replaying.names import name
from pseudoexp.replaying.request import Request
from pseudoexp.replaying.story import Column, Fact, Stage, Table, Value
from pseudoexp.rows import MAX_ETA, MAX_PT, MIN_PT, ChainTables, ChainWorkspace, chain_workspace

ORIGINS = ("pile-up", "fake", "primary", "b", "c from b", "c", "tau", "secondary")
_LABELS = {0: "light", 4: "c", 5: "b", 15: "tau"}
_LARGE = {0: "other", 10: "qcd", 11: "hbb"}
_CAPACITY, _PER_PILEUP = 4096, 400


@dataclass(frozen=True)
class LargeJet:
    """A large-R jet: untrimmed and trimmed momentum, calibrated pT and mass, what becomes of it."""

    untrimmed: NDArray[np.float64]
    trimmed: NDArray[np.float64]
    constituents: int
    pt: float
    mass: float
    track_jets: tuple[int, ...]
    label: str
    verdict: str


@dataclass(frozen=True)
class Seen:
    """A reconstructed event, its buffers still filled."""

    record: EventRecord
    tables: ChainTables
    ws: ChainWorkspace
    counts: Counts
    jets: list[LargeJet]

    @property
    def track_jets(self) -> NDArray[np.float64]:
        """(n, 4) momenta of the track jets."""
        return self.ws.reconstruction.jets.vr[:self.counts.track_jets]

    @property
    def selected(self) -> list[int]:
        """Track jets of the rows, or the leading two without any row."""
        found = [v for jet in self.jets if jet.verdict == "row" for v in jet.track_jets[:2]]
        return found or list(range(min(2, self.counts.track_jets)))


def see(request: Request, batch: EventBatch, hopeful: bool = True) -> Seen:
    """Reconstruct one event; `batch` holds it alone; `hopeful`: whether the engine lets it become rows."""
    tables = chain.tables_of(request.config)
    stream = event_stream(request.config.seed, request.process, request.event)
    capacity = _CAPACITY + int(_PER_PILEUP * tables.pileup.mu)
    while True:
        ws = chain_workspace(capacity, tables.detector)
        counts = reconstruct(event(batch, 0), stream, tables.detector, tables.pileup, ws.reconstruction)
        if counts.status != OVERFLOW or capacity > 2**20:
            break
        capacity *= 2
    if counts.status < 0:
        raise GenerationError(f"event {request.number}, seed {request.config.seed}: cannot be reconstructed")
    record, detector, vr = event(batch, 0), ws.reconstruction.detector, ws.reconstruction.jets.vr
    associate(detector.tracks, counts.tracks, detector.primary_vertex, vr, counts.track_jets, ws.assigned, ws.distance2,
              ws.associated, ws.n_associated)
    label_vr_jets(record, vr, counts.track_jets, ws.vr_labels, ws.hadron_pt)
    jets = [_large_jet(jet, record, request, hopeful, counts, tables, ws) for jet in range(counts.large_jets)]
    return Seen(record, tables, ws, counts, jets)


def _large_jet(jet: int, record: EventRecord, request: Request, hopeful: bool, counts: Counts, tables: ChainTables,
               ws: ChainWorkspace) -> LargeJet:
    reconstruction = ws.reconstruction
    inside = tuple(v for v in range(counts.track_jets) if reconstruction.jets.vr_large[v] == jet)
    n, *p4 = trimmed_jet(reconstruction.detector.towers.p4, counts.towers, jet, reconstruction.jets)
    trimmed, untrimmed = np.array(p4), reconstruction.jets.tower_clusters.jet_p4[jet].copy()
    if n == 0:
        return LargeJet(untrimmed, trimmed, 0, 0.0, 0.0, inside, "", "nothing is left by trimming")
    factor = calibrated_pt_factor(tables.jets, pt_of(trimmed), abs(eta_of(trimmed)))
    pt, mass = factor * pt_of(trimmed), factor * mass_of(trimmed)
    mass *= calibrated_mass_factor(tables.jets, pt, mass)
    label_large_jet(record, trimmed, request.process, ws.large_labels)
    label = int(ws.large_labels[LARGE_LABEL])
    if len(inside) < 2:
        verdict = "fewer than two track jets"
    elif not MIN_PT <= pt < MAX_PT:
        verdict = f"pT outside {MIN_PT:g} to {MAX_PT:g} GeV"
    elif abs(eta_of(trimmed)) >= MAX_ETA:
        verdict = f"|eta| above {MAX_ETA:g}"
    elif request.process == SIGNAL and label != LARGE_HBB and not request.config.keep_unmatched:
        verdict = "not matched to the Higgs boson"
    elif not hopeful:
        verdict = "lost by the test of the partons"
    else:
        verdict = "row"
    return LargeJet(untrimmed, trimmed, int(n), float(pt), float(mass), inside, _LARGE[label], verdict)


def tracks_stage(seen: Seen) -> Stage:
    """Return the tracks of the event, those of the rows' track jets first, the most displaced first."""
    detector, ws = seen.ws.reconstruction.detector, seen.ws
    tracks, truth, vertex = detector.tracks, detector.truth, detector.primary_vertex
    rows: list[tuple[Value, ...]] = []
    for i in range(seen.counts.tracks):
        perigee, covariance, particle = tracks.perigee[i], tracks.covariance[i], int(truth.particle[i])
        rows.append((i, float(tracks.pt[i]), float(tracks.eta[i]), float(perigee[PHI]), float(perigee[D0]),
                     float(np.sqrt(covariance[D0, D0])), float(perigee[Z0] - vertex.position[2]),
                     float(np.sqrt(covariance[Z0, Z0])), int(ws.assigned[i]), ORIGINS[int(truth.origin[i])],
                     name(seen.record.pdg_id[particle]) if particle >= 0 else ""))
    chosen = seen.selected
    rows.sort(key=lambda r: (r[8] not in chosen, -abs(float(r[4])) / float(r[5])))
    miss = vertex.position - detector.collision
    origins = np.bincount(truth.origin[:seen.counts.tracks], minlength=len(ORIGINS))
    columns = (Column("track"), PT, ETA, AZIMUTH, Column("d0", "mm"), Column("sigma d0", "mm"), Column("z0 - z(PV)", "mm"),
               Column("sigma z0", "mm"), Column("track jet"), Column("from"), Column("record's particle"))
    return Stage("tracks", [
        Fact("pileup", "pile-up collisions", int(detector.pileup_collisions[0])),
        Fact("tracks", "tracks", seen.counts.tracks),
        Fact("origins", "from", ", ".join(f"{n} {text}" for n, text in zip(origins, ORIGINS, strict=True) if n)),
        *(Fact(f"pv_{axis}", f"primary vertex, {axis}", float(vertex.position[k]), "mm") for k, axis in enumerate("xyz")),
        Fact("miss_xy", "its distance to the true collision across the beam", float(np.hypot(miss[0], miss[1])), "mm"),
        Fact("miss_z", "and along it", float(miss[2]), "mm"),
    ], [Table("tracks", "tracks, those of the rows' track jets first, by falling |d0| over its error; d0 to the z axis",
              columns, rows)])


def jets_stage(seen: Seen) -> Stage:
    """Return track jets and large-R jets."""
    jets = seen.ws.reconstruction.jets
    small: list[tuple[Value, ...]] = []
    for v, p in enumerate(seen.track_jets):
        label = _LABELS[int(seen.ws.vr_labels[v, VR_LABEL])]
        small.append((v, pt_of(p), eta_of(p), phi_of(p), float(track_jet_radius(pt_of(p))), int(seen.ws.n_associated[v]),
                      int(jets.vr_large[v]), label))
    large: list[tuple[Value, ...]] = [
        (i, pt_of(j.untrimmed), mass_of(j.untrimmed), pt_of(j.trimmed), j.pt, eta_of(j.trimmed), phi_of(j.trimmed), j.mass,
         j.constituents, " ".join(map(str, j.track_jets)), j.label, j.verdict) for i, j in enumerate(seen.jets)]
    return Stage("jets", [Fact("towers", "calorimeter towers", seen.counts.towers)], [
        Table("large", "large-R jets (anti-kT, R = 1.0), by falling untrimmed pT; pT and mass: trimmed and calibrated",
              (Column("jet"), Column("untrimmed pT", "GeV"), Column("untrimmed mass", "GeV"), Column("trimmed pT", "GeV"), PT,
               ETA, AZIMUTH, Column("mass", "GeV"), Column("towers"), Column("track jets"), Column("label"), Column("verdict")),
              large),
        Table("small", "track jets (variable radius), by falling pT",
              (Column("jet"), PT, ETA, AZIMUTH, Column("radius"), Column("tracks"), Column("large-R jet"), Column("label")),
              small)])


def row_stage(rows: NDArray[np.void], tracks: NDArray[np.void] | None, units: dict[str, str]) -> Stage:
    """Return the rows, field by field as in the file."""
    count = Fact("rows", "rows of this event", len(rows))
    if len(rows) == 0:
        return Stage("row", [count])
    lines: list[tuple[Value, ...]] = [
        (field, *(_plain(row[field]) for row in rows), units[field]) for field in rows.dtype.names or ()]
    columns = (Column("field"), *(Column(f"row {k + 1}") for k in range(len(rows))), Column("unit"))
    tables = [Table("rows", "all columns, in the file's units", columns, lines)]
    if tracks is not None:
        fields = tracks.dtype.names or ()
        listed: list[tuple[Value, ...]] = [
            (k + 1, *(_plain(track[field]) for field in fields[1:])) for k, row in enumerate(tracks) for track in row
            if track["valid"]]
        tables.append(Table("tracks", "tracks of the rows, in the file's units",
                            (Column("row"), *(Column(field) for field in fields[1:])), listed))
    return Stage("row", [count], tables)


def _plain(value: Any) -> Value:
    plain: Value = value.item()
    return plain
