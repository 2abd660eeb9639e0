"""Small events for the tests of HepMC: records with a known content, and files of them."""

import numpy as np

from pseudoexp.core.record import EventBatch
from pseudoexp.engines.hepmc.writing import EventWriter

HIGGS, B0, D_MINUS = 25, 511, -411


def momenta(rng, masses):
    """Return p4 (n, 4) of the given masses."""
    p = rng.normal(0.0, 20.0, (len(masses), 3))
    return np.column_stack([p, np.sqrt((p**2).sum(axis=1) + np.square(masses))])


def toy_batch(events=3, signal=True, first=0):
    """Return events with prompt pions, the photons of a pi0, and a B0 -> D- (-> K+ pi- pi-) mu+ nu of the Higgs boson, if any.

    The second pion of the D- comes before the muon: the order of the stable particles is not that of their mothers.
    """
    rng = np.random.default_rng(7 + first)
    pdg = np.array([211, 22, 321, -211, -13, 14, 22, -211, -211], np.int32)
    heavy = np.array([-1, -1, 1, 1, 0, 0, -1, 1, -1], np.int32)
    mass = np.array([0.1396, 0.0, 0.4937, 0.1396, 0.10566, 0.0, 0.0, 0.1396, 0.1396])
    heavy_vertex, vertex, p4 = rng.normal(0.0, 3.0, (events, 2, 4)), np.zeros((events, 9, 4)), np.zeros((events, 9, 4))
    for i in range(events):
        p4[i] = momenta(rng, mass)
        p4[i, 6], p4[i, 1] = _photons(p4[i, 0])
        vertex[i, heavy >= 0] = heavy_vertex[i, heavy[heavy >= 0]]
        vertex[i, [1, 6]] = rng.normal(0.0, 1e-4, 4)
    number = np.arange(first, first + events)
    partons = np.zeros((events, 2, 5))
    partons[:, 0] = [300.0, 0.0, 50.0, 350.0, HIGGS if signal else 21]
    partons[:, 1] = [-300.0, 0.0, -10.0, 301.0, 5 if signal else 21]
    return EventBatch(
        event_number=number, weight=rng.uniform(0.5, 1.5, events), pthat=rng.uniform(150.0, 400.0, events),
        offsets=9 * np.arange(events + 1), heavy_offsets=2 * np.arange(events + 1),
        p4=p4.reshape(-1, 4), vertex=vertex.reshape(-1, 4), pdg_id=np.tile(pdg, events),
        heavy=np.tile(heavy, events), heavy_p4=momenta(rng, np.tile([5.2796, 1.8697], events)),
        heavy_pdg_id=np.tile(np.array([B0, D_MINUS], np.int32), events), heavy_vertex=heavy_vertex.reshape(-1, 4),
        heavy_parent=np.tile(np.array([-1, 0], np.int32), events), heavy_from_higgs=np.full(2 * events, signal),
        higgs=np.tile([290.0, 0.0, 50.0, 340.0] if signal else np.zeros(4), (events, 1)), partons=partons)


def _photons(like):
    """Return the photons of a pi0 that decays along and against its flight, with the direction of a momentum."""
    mass, direction = 0.1349768, like[:3] / np.linalg.norm(like[:3])
    energy = 10.0
    p = np.sqrt(energy**2 - mass**2)
    return [np.append(e * sign * direction, e) for sign, e in ((1.0, 0.5 * (energy + p)), (-1.0, 0.5 * (energy - p)))]


def write(path, *batches, options="{}"):
    """Write batches as a file."""
    with path.open("wb") as file, EventWriter(file, "toy", options) as writer:
        for batch in batches:
            writer.write(batch)
    return path
