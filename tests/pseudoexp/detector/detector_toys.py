"""Toy events and compiled shortcuts shared by the tests of the detector."""

from __future__ import annotations

from functools import cache

import numpy as np

from pseudoexp.config import from_mapping, load_card, to_mapping
from pseudoexp.core.jit import kernel
from pseudoexp.core.record import EventRecord
from pseudoexp.core.rng import event_stream
from pseudoexp.detector.card import DetectorCard
from pseudoexp.detector.material import fly
from pseudoexp.detector.particles import MAX_COT, append, append_record, particles_workspace
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.detector.simulate import detector_workspace, simulate
from pseudoexp.detector.tables import detector_tables

MASS = {211: 0.13957039, 22: 0.0, 11: 0.00051099895, 13: 0.1056583755, 310: 0.497611, 2212: 0.93827209,
        3122: 1.115683, 321: 0.493677, 12: 0.0, 2112: 0.93956542, 3112: 1.197449, 3222: 1.18937, 3312: 1.32171,
        3322: 1.31486, 3334: 1.67245, 111: 0.1349768, 130: 0.497611}


@cache
def tables(name="atlas-itk"):
    return detector_tables(load_card(name))


def changed(name, **sections):
    """Return the tables of a card with some entries changed: ``tracking={"fake_rate": 0.0}``."""
    mapping = to_mapping(load_card(name))
    for section, values in sections.items():
        mapping[section] = {**mapping[section], **values} if isinstance(values, dict) else values
    return detector_tables(from_mapping(DetectorCard, mapping, "test"))


def momenta(pt, eta, phi, pdg_id):
    """Return (n, 4) momenta px, py, pz, E."""
    pt, eta, phi, pdg_id = np.broadcast_arrays(pt, eta, phi, pdg_id)
    m = np.array([MASS[abs(int(i))] for i in pdg_id.ravel()]).reshape(pt.shape)
    p = pt * np.cosh(eta)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.sqrt(p**2 + m**2)], -1)


def record(p4, pdg_id, vertex=None):
    """Return an event record without heavy particles."""
    p4 = np.ascontiguousarray(p4, float)
    n = len(p4)
    vertex = np.zeros((n, 4)) if vertex is None else np.ascontiguousarray(vertex, float)
    return EventRecord(p4, vertex, np.broadcast_to(np.asarray(pdg_id, np.int32), (n,)).copy(),
                       np.full(n, -1, np.int32), np.zeros((0, 4)), np.zeros(0, np.int32), np.zeros((0, 4)),
                       np.zeros(0, np.int32), np.zeros(0, np.bool_), np.zeros(4), np.zeros((2, 5)))


def busy_record(seed, n=300):
    """Return an event with pions, photons, kaons, protons and K0S in two jets and an even background."""
    rng = np.random.default_rng(seed)
    pdg_id = rng.choice([211, -211, 22, 321, -321, 2212, -2212, 310, 11, 13, 3122], n,
                        p=[0.22, 0.22, 0.3, 0.05, 0.05, 0.03, 0.03, 0.04, 0.02, 0.01, 0.03])
    jet = rng.random(n) < 0.5
    axis = rng.integers(0, 2, n)
    eta = np.where(jet, np.array([0.3, -0.8])[axis] + rng.normal(0, 0.15, n), rng.uniform(-4.5, 4.5, n))
    phi = np.where(jet, np.array([0.2, 3.1])[axis] + rng.normal(0, 0.15, n), rng.uniform(-3.1, 3.1, n))
    pt = np.where(jet, 0.3 + rng.exponential(3.0, n), 0.1 + rng.exponential(0.6, n))
    return record(momenta(pt, eta, phi, pdg_id), pdg_id)


@kernel
def simulate_event(record, seed, event, tables, pileup, ws):
    return simulate(record, event_stream(seed, 0, event), tables, pileup, ws)


@kernel
def _fly_record(record, seed, event, material, collision, particles):
    n = append_record(particles, 0, record, collision, material.field, MAX_COT)
    return n, fly(particles, n, event_stream(seed, 0, event), material)


@kernel
def _append_one(particles, n, p4, vertex, pdg_id, item, field):
    return append(particles, n, p4[0], p4[1], p4[2], p4[3], vertex[0], vertex[1], vertex[2], pdg_id, 0, 0, item, field)


def append_one(particles, n, p4, vertex, pdg_id, item, field):
    return _append_one(particles, n, np.asarray(p4, float), np.asarray(vertex, float), pdg_id, item, field)


def flown(record, material, seed=1, event=0, capacity=None):
    """Let a record fly; return (particles, number at the start, number at the end)."""
    particles = particles_workspace(capacity or 20 * len(record.p4) + 100)
    n, m = _fly_record(record, seed, event, material, np.zeros(3), particles)
    return particles, n, m


def simulated(record, tables, seed=1, event=0, pileup=None, capacity=4096):
    """Simulate a record; return (workspace, tracks, towers)."""
    ws = detector_workspace(capacity, tables)
    return (ws, *simulate_event(record, seed, event, tables, pileup or no_pileup(), ws))
