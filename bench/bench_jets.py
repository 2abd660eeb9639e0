"""Time per event of the jet algorithms, and the ratio to FastJet.

    python -m pytest bench/bench_jets.py --benchmark-only      (statistics)
    python bench/bench_jets.py                                 (table of ratios)

Inputs are simulated collisions: 430 visible particles, or the 150 hardest (about what the calorimeter leaves of them).
FastJet gets its momenta ready made and is timed without its Python interface's conversions.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import fastjet
import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.jets.antikt import cluster, cluster_workspace
from pseudoexp.jets.substructure import d2, substructure_workspace, tau21
from pseudoexp.jets.trimming import trim
from pseudoexp.jets.variable_radius import cluster_vr

EVENTS = Path(__file__).parents[1] / "tests" / "pseudoexp" / "jets" / "events.npz"
ROUNDS = 60


def events(size: int) -> list[np.ndarray]:
    """Return momenta of events with `size` particles each."""
    with np.load(EVENTS) as file:
        p4, offsets = file["p4"].astype(np.float64), file["offsets"]
    chosen = [p4[a:b] for a, b in pairwise(offsets) if b - a >= size]
    if size < 400:
        chosen = [p[np.sort(np.argsort(-np.hypot(p[:, 0], p[:, 1]))[:size])] for p in chosen]
    return [p[:size].copy() for p in chosen]


def tracks() -> list[np.ndarray]:
    """Return the momenta of the tracks of each event."""
    with np.load(EVENTS) as file:
        p4, track, offsets = file["p4"].astype(np.float64), file["track"], file["offsets"]
    return [p4[a:b][track[a:b]].copy() for a, b in pairwise(offsets)]


def leading_jets() -> list[np.ndarray]:
    """Return the constituents of the leading jet of each event."""
    ws, jets = cluster_workspace(1024), []
    for p4 in events(150):
        cluster(p4, len(p4), 1.0, -1, 100.0, ws)
        jets.append(p4[ws.jet_of[:len(p4)] == 0].copy())
    return jets


@kernel
def cluster_all(p4, offsets, radius, power, ws):
    """Cluster all events; return the number of jets."""
    total = 0
    for k in range(len(offsets) - 1):
        total += cluster(p4[offsets[k]:offsets[k + 1]], offsets[k + 1] - offsets[k], radius, power, 0.0, ws)
    return total


@kernel
def cluster_vr_all(p4, offsets, ws):
    """Cluster the tracks of all events; return the number of jets."""
    total = 0
    for k in range(len(offsets) - 1):
        total += cluster_vr(p4[offsets[k]:offsets[k + 1]], offsets[k + 1] - offsets[k], 30.0, 0.02, 0.4, 0.0, ws)
    return total


@kernel
def structure_all(p4, offsets, kept, sub, ws):
    """Trim all jets and compute tau21 and D2 of all constituents; return a sum over them."""
    total = 0.0
    for k in range(len(offsets) - 1):
        p, n = p4[offsets[k]:offsets[k + 1]], offsets[k + 1] - offsets[k]
        total += trim(p, n, 0.2, 0.05, 300.0, kept, ws)[3] + tau21(p, n, sub) + d2(p, n, sub)
    return total


def flat(chosen: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return (momenta, offsets) of a list of events."""
    return np.concatenate(chosen), np.cumsum([0, *map(len, chosen)])


def fastjet_vectors(chosen: list[np.ndarray]) -> list[object]:
    """Return FastJet's vectors of momenta."""
    vectors = []
    for p4 in chosen:
        vectors.append(fastjet.vectorPJ())
        for p in p4:
            vectors[-1].push_back(fastjet.PseudoJet(*map(float, p)))
    return vectors


def fastjet_all(vectors: list[object], definition: fastjet.JetDefinition) -> None:
    """Cluster all events with FastJet."""
    for vector in vectors:
        fastjet._swig.ClusterSequence(vector, definition)


@pytest.mark.parametrize("size", [150, 430])
@pytest.mark.parametrize("power", [-1, 1])
def test_cluster(benchmark, rounds, power, size):
    p4, offsets = flat(events(size))
    ws = cluster_workspace(1024)
    benchmark.extra_info["events"] = len(offsets) - 1
    benchmark.pedantic(cluster_all, (p4, offsets, 1.0, power, ws), rounds=rounds, warmup_rounds=2)


@pytest.mark.parametrize("size", [150, 430])
def test_fastjet(benchmark, rounds, size):
    vectors = fastjet_vectors(events(size))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0)
    benchmark.extra_info["events"] = len(vectors)
    benchmark.pedantic(fastjet_all, (vectors, definition), rounds=rounds, warmup_rounds=2)


def test_track_jets(benchmark, rounds):
    p4, offsets = flat(tracks())
    benchmark.extra_info["events"] = len(offsets) - 1
    benchmark.pedantic(cluster_vr_all, (p4, offsets, cluster_workspace(1024)), rounds=rounds, warmup_rounds=2)


def test_trimming_and_substructure(benchmark, rounds):
    p4, offsets = flat(leading_jets())
    benchmark.extra_info["jets"] = len(offsets) - 1
    arguments = (p4, offsets, np.zeros(512, bool), substructure_workspace(512), cluster_workspace(512))
    benchmark.pedantic(structure_all, arguments, rounds=rounds, warmup_rounds=2)


def seconds(function, *arguments) -> float:
    """Return the time [s] of one call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main() -> None:
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0)
    for size in (150, 430):
        chosen = events(size)
        p4, offsets = flat(chosen)
        vectors, ws = fastjet_vectors(chosen), cluster_workspace(1024)
        cluster_all(p4, offsets, 1.0, -1, ws)
        ours, theirs = [], []
        for _ in range(ROUNDS):  # in turns, so that a busy machine slows both
            ours.append(seconds(cluster_all, p4, offsets, 1.0, -1, ws))
            theirs.append(seconds(fastjet_all, vectors, definition))
        a, b = min(ours) / len(chosen) * 1e3, min(theirs) / len(chosen) * 1e3
        print(f"anti-kT R = 1.0, {size} inputs: {a:.3f} ms per event, FastJet {b:.3f} ms, ratio {a / b:.2f}")


if __name__ == "__main__":
    main()
