"""The engine's events against reference histograms of particle-level observables (`pseudoexp/data/reference`).

A hundred events of each process always, 1500 in the slow form: limits are in standard errors and so follow.
"""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from pseudoexp.core import species
from pseudoexp.core.cache import PACKAGE
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.engines.batches import join
from pseudoexp.engines.pythia8 import generate_chunk
from pseudoexp.engines.settings import EngineSettings

FEW, MANY = 100, 1500
GROUPS = {SIGNAL: "sig150", QCD: "qcd150"}


def per_id(function, pdg_id):
    """Return a property of many particles, looked up once per species."""
    known, index = np.unique(pdg_id, return_inverse=True)
    return np.array([function(int(i)) for i in known])[index]


def pt_of(p4):
    return np.hypot(p4[:, 0], p4[:, 1])


class Sample:
    """Observables of a sample with equal weights."""

    def __init__(self, process, events):
        self.events = events
        chunks = [generate_chunk(process, 20, first, min(250, events - first), EngineSettings(150, 0))
                  for first in range(0, events, 250)]
        batch = self.batch = join(chunks)
        self.event = np.repeat(np.arange(events), np.diff(batch.offsets))
        self.heavy_event = np.repeat(np.arange(events), np.diff(batch.heavy_offsets))
        self.pt = pt_of(batch.p4)
        self.eta = np.arcsinh(batch.p4[:, 2] / self.pt)
        self.charged = per_id(species.is_charged, batch.pdg_id)
        self.visible = ~per_id(species.is_neutrino, batch.pdg_id)
        self.beauty = per_id(species.is_b_hadron, batch.heavy_pdg_id)
        self.charm = per_id(species.is_c_hadron, batch.heavy_pdg_id)

    def count(self, chosen):
        return np.bincount(self.event[chosen], minlength=self.events)

    def charged_descendants(self):
        """Return the number of stable charged descendants of each heavy particle."""
        batch = self.batch
        own = (batch.heavy >= 0) & self.charged
        total = np.bincount((batch.heavy + batch.heavy_offsets[:-1][self.event])[own], minlength=len(self.beauty))
        for child in range(len(total) - 1, -1, -1):
            if batch.heavy_parent[child] >= 0:
                total[batch.heavy_parent[child] + batch.heavy_offsets[self.heavy_event[child]]] += total[child]
        return total

    def x_b(self):
        """Return 2 E_B / m_H in the Higgs frame of its b hadrons."""
        chosen = self.beauty & self.batch.heavy_from_higgs
        higgs, metric = self.batch.higgs[self.heavy_event[chosen]], np.array([-1, -1, -1, 1])
        return 2 * (metric * higgs * self.batch.heavy_p4[chosen]).sum(axis=1) / (metric * higgs**2).sum(axis=1)


@pytest.fixture(scope="module", params=[
    pytest.param((process, events), id=f"{name}-{events}", marks=[pytest.mark.slow] if events == MANY else [])
    for events in (FEW, MANY) for process, name in ((SIGNAL, "signal"), (QCD, "qcd"))])
def case(request):
    process, events = request.param
    with np.load(PACKAGE / "data" / "reference" / "particle_level.npz") as file:
        group = GROUPS[process]
        return Sample(process, events), {k[len(group):]: file[k] for k in file.files if k.startswith(group + "_")}


def assert_same_mean(values, stats, effective=None):
    """Compare a mean with the reference's (n, mean, standard deviation), to four standard errors."""
    n = effective or len(values)
    error = np.hypot(values.std() / np.sqrt(n), stats[2] / np.sqrt(stats[0]))
    assert abs(values.mean() - stats[1]) < 4 * error, (values.mean(), stats[1], error)


def assert_same_shape(values, edges, counts):
    """Kolmogorov-Smirnov at the bin edges, probability 1e-4."""
    ours = np.histogram(values, edges)[0]
    distance = np.abs(np.cumsum(ours) / ours.sum() - np.cumsum(counts) / counts.sum()).max()
    assert distance < 2.23 * np.sqrt(1 / ours.sum() + 1 / counts.sum())


def test_multiplicities(case):
    sample, reference = case
    central = sample.charged & (sample.pt > 0.5) & (np.abs(sample.eta) < 2.5)
    for name, chosen in {"nfinal": np.ones_like(central), "nvis_eta4.9": sample.visible & (np.abs(sample.eta) < 4.9),
                         "nch_eta2.5_pt0.5": central}.items():
        count, key = sample.count(chosen), f"_event__{name}__"
        assert_same_mean(count, reference[key + "stats"])
        assert_same_shape(count, reference[key + "edges"], reference[key + "counts"])


def test_spectra_of_charged_particles(case):
    sample, reference = case
    hard = sample.charged & (sample.pt > 0.5)
    events = reference["_event__nfinal__stats"][0]
    n = sample.events
    for name, column, chosen, step in (("dNdeta_pt0.5", sample.eta, hard, 10),
                                       ("trackpt_eta2.5", sample.pt, hard & (np.abs(sample.eta) < 2.5), 6)):
        edges, counts = (reference[f"_event__{name}__{k}"] for k in ("edges", "counts"))
        bins = [np.arange(n + 1), edges[::step]]
        ours = np.histogram2d(sample.event[chosen], column[chosen], bins)[0]
        expected = np.add.reduceat(counts, np.arange(0, len(counts), step)) / events
        filled = expected > 1
        assert filled.sum() >= 5
        error = ours.std(axis=0) * np.sqrt(1 / n + 1 / events)  # particles of one event go together
        assert (np.abs(ours.mean(axis=0) - expected) < 4 * error)[filled].all()


def test_heavy_hadrons(case):
    sample, reference = case
    batch = sample.batch
    descendants = sample.charged_descendants()
    for chosen, key in ((sample.beauty, "_B__nch__"), (sample.charm, "_D__nch__")):
        assert_same_mean(descendants[chosen], reference[key + "stats"])
        assert_same_shape(descendants[chosen], reference[key + "edges"], reference[key + "counts"])
    pt, flight = pt_of(batch.heavy_p4), pt_of(batch.heavy_vertex)
    mass = np.sqrt(batch.heavy_p4[:, 3] ** 2 - (batch.heavy_p4[:, :3] ** 2).sum(axis=1))
    assert_same_mean((flight * mass / pt)[sample.beauty], reference["_B__ctau_eff__stats"])
    window = sample.beauty & (pt > 50) & (pt < 300)
    assert_same_mean(flight[window], reference["_B__lxy_pt50_300__stats"])
    ids, fractions = reference["_B__species_id"], reference["_B__species_frac"]
    ours = np.array([(np.abs(batch.heavy_pdg_id[sample.beauty]) == i).mean() for i in ids])
    assert np.abs(ours - fractions).max() < 4 * np.sqrt(0.25 / sample.beauty.sum())


def test_fragmentation_of_the_higgs_b_quarks(case):
    sample, reference = case
    if "_B__xB_higgs__edges" not in reference:
        assert not sample.batch.heavy_from_higgs.any()
        return
    x = sample.x_b()
    edges, counts = reference["_B__xB_higgs__edges"], reference["_B__xB_higgs__counts"]
    first = int(np.searchsorted(edges, 0.4))  # below, the reference lacks hadrons
    assert_same_shape(x[x > 0.4], edges[first:], counts[first:])
    few = np.sqrt(MANY / sample.events)
    assert x.mean() == pytest.approx(0.7065, abs=0.02 * few)
    assert np.median(x) == pytest.approx(0.75, abs=0.015 * few)


def test_mean_decay_lengths(case):
    sample, _ = case
    pt, flight = pt_of(sample.batch.heavy_p4), pt_of(sample.batch.heavy_vertex)
    for low, high, expected in ((5, 20, 1.0), (20, 50, 3.0), (50, 100, 6.5), (100, 200, 13.2)):
        chosen = sample.beauty & (pt > low) & (pt < high)
        if chosen.sum() > 100:
            assert flight[chosen].mean() == pytest.approx(expected, abs=0.05 + 4 * expected / np.sqrt(chosen.sum()))
