"""The secondary vertices of an event's track jets: true, two-track, SV1's and JetFitter's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import sincos
from pseudoexp.flavour.chain_fit import length_covariance, start_axis
from pseudoexp.flavour.ip3d import ip3d
from pseudoexp.flavour.jetfitter import AXIS_SIGMA_CONSTANT, AXIS_SIGMA_PER_PT, MIN_SINGLE_SIGNIFICANCE2, build_chain
from pseudoexp.flavour.labels import MAX_DR_VR, nearest_jet
from pseudoexp.flavour.sv1 import SV1_DR, SV1_L3D, SV1_MASS, SV1_NTRK, SV1_SIG3D, sv1
from pseudoexp.flavour.two_track import prepare_jet
from pseudoexp.replaying.kinematic import pt_of
from pseudoexp.replaying.names import name
from pseudoexp.replaying.reconstruction import Seen
from pseudoexp.replaying.story import Column, Fact, Stage, Table, Value

_PAIRS = ("plain", "seed", "material", "K0S", "Lambda")
_VERTEX = (Column("x", "mm"), Column("y", "mm"), Column("z", "mm"))


def _numbers(rows: NDArray[np.int32]) -> str:
    return " ".join(str(int(row)) for row in rows)


def _position(point: Any) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])


def vertices_stage(seen: Seen) -> Stage:
    """Return the vertices of the rows' track jets, or of the two leading ones without rows."""
    true, pairs, fitted, chains = [], [], [], []
    likelihoods: list[tuple[Value, ...]] = []
    for v in seen.selected:
        true += _true(v, seen)
        ws, rows, count = seen.ws.flavour, seen.ws.associated[v], int(seen.ws.n_associated[v])
        detector = seen.ws.reconstruction.detector
        if prepare_jet(detector.tracks, rows, count, seen.track_jets[v], detector.primary_vertex, seen.tables.flavour, ws) < 0:
            continue
        pairs += [(v, _PAIRS[ws.pair[k, 2]], float(ws.pair_mass[k]), *_position(ws.pair_vertex[k]),
                   _numbers(rows[ws.pair[k, :2]])) for k in range(int(ws.pair_count[0]))]
        bu, bc, cu = ip3d(detector.tracks, rows, count, seen.tables.ip3d, ws)
        likelihoods.append((v, count, float(bu), float(bc), float(cu)))
        fitted += _sv1(v, rows, count, seen)
        chains += _chain(v, rows, count, seen)
    return Stage("vertices", [Fact("jets", "track jets looked at", " ".join(map(str, seen.selected)) or "none")], [
        Table("true", "true decays of particles with b, c or tau in these jets, from the primary vertex on",
              (Column("track jet"), Column("particle"), Column("pT", "GeV"), Column("flight", "mm"), *_VERTEX), true),
        Table("ip3d", "IP3D: log-likelihood ratios",
              (Column("track jet"), Column("tracks"), Column("b to light"), Column("b to c"), Column("c to light")), likelihoods),
        Table("pairs", "two-track vertices", (Column("track jet"), Column("kind"), Column("mass", "GeV"), *_VERTEX,
                                              Column("of tracks")), pairs),
        Table("sv1", "SV1: one inclusive vertex",
              (Column("track jet"), Column("tracks"), Column("mass", "GeV"), Column("distance", "mm"), Column("significance"),
               Column("dR"), *_VERTEX, Column("of tracks")), fitted),
        Table("jetfitter", "JetFitter: vertices along one axis",
              (Column("track jet"), Column("length", "mm"), Column("error", "mm"), Column("tracks"), Column("counts"), *_VERTEX,
               Column("of tracks")), chains)])


def _true(v: int, seen: Seen) -> list[tuple[Value, ...]]:
    record, collision = seen.record, seen.ws.reconstruction.detector.collision
    rows: list[tuple[Value, ...]] = []
    for k in range(len(record.heavy_pdg_id)):
        if nearest_jet(record.heavy_p4[k], seen.track_jets, len(seen.track_jets), MAX_DR_VR) == v:
            flight = float(np.sqrt((record.heavy_vertex[k, :3] ** 2).sum()))
            rows.append((v, name(record.heavy_pdg_id[k]), pt_of(record.heavy_p4[k]), flight,
                         *_position(record.heavy_vertex[k, :3] + collision)))
    return rows


def _sv1(v: int, rows: NDArray[np.int32], count: int, seen: Seen) -> list[tuple[Value, ...]]:
    detector, ws, out = seen.ws.reconstruction.detector, seen.ws.flavour, np.zeros(6)
    sv1(detector.tracks, rows, count, seen.track_jets[v], detector.primary_vertex, seen.tables.flavour, ws, out)
    n = int(out[SV1_NTRK])
    if n == 0:
        return []
    return [(v, n, float(out[SV1_MASS]), float(out[SV1_L3D]), float(out[SV1_SIG3D]), float(out[SV1_DR]), *_position(ws.position),
             _numbers(rows[ws.members[:n]]))]


def _chain(v: int, rows: NDArray[np.int32], count: int, seen: Seen) -> list[tuple[Value, ...]]:
    """Return the vertices of JetFitter's chain; `counts` says whether it counts one."""
    detector, ws, jet = seen.ws.reconstruction.detector, seen.ws.flavour, seen.track_jets[v]
    sigma, sign = AXIS_SIGMA_CONSTANT + AXIS_SIGMA_PER_PT / pt_of(jet), seen.tables.flavour.sign
    if not start_axis(jet, detector.primary_vertex, sigma, ws):
        return []
    n, vertices = build_chain(detector.tracks, rows, count, sign, sigma, ws)
    sp, cp = sincos(ws.axis[3])
    st, ct = sincos(ws.axis[4])
    found: list[tuple[Value, ...]] = []
    for k in range(vertices):
        length, variance = float(ws.length[k]), float(length_covariance(ws, k, k))
        own = rows[ws.members[:n][ws.cluster[:n] == k]]
        counts = sign * length > 0.0 and (len(own) > 1 or length * length >= MIN_SINGLE_SIGNIFICANCE2 * variance)
        found.append((v, length, variance**0.5, len(own), bool(counts),
                      *_position(ws.axis[:3] + length * np.array((st * cp, st * sp, ct))), _numbers(own)))
    return found
