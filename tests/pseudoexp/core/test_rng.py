"""Philox against its published vectors, and the samplers against their densities."""

import numpy as np
from scipy import stats

from pseudoexp.core import processes, rng
from pseudoexp.core.jit import kernel

KNOWN_ANSWERS = [  # counter, key, result: kat_vectors of Random123 (D. E. Shaw Research)
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]
N = 20_000


@kernel
def philox(c0, c1, c2, c3, k0, k1):
    return rng.philox(c0, c1, c2, c3, k0, k1)


@kernel
def uniforms(seed, n):
    out = np.empty((n, 5))
    for i in range(n):
        s = rng.event_stream(seed, processes.QCD, i)
        a, b, c, d = rng.uniform4(s, rng.STAGE_TRACKING, 7, 0)
        out[i] = np.array([a, b, c, d, rng.uniform(s, rng.STAGE_TRACKING, 7, 1)])
    return out


@kernel
def normals(seed, n):
    out = np.empty((n, 4))
    for i in range(n):
        a, b, c, d = rng.normal4(rng.event_stream(seed, processes.SIGNAL, 1), rng.STAGE_TRACKING, i, 0)
        out[i] = np.array([a, b, c, d])
    return out


@kernel
def poissons(seed, n, mean):
    return np.array([rng.poisson(rng.event_stream(seed, 0, i), rng.STAGE_PILEUP, 0, 0, mean) for i in range(n)])


@kernel
def words_of(seed, process, event, stage, item, purpose):
    return rng.words(rng.event_stream(seed, process, event), stage, item, purpose)


def test_known_answers():
    for counter, key, expected in KNOWN_ANSWERS:
        words = [np.uint64(w) for w in counter + key]
        assert tuple(int(w) for w in philox(*words)) == expected


def test_uniforms_are_flat_and_open():
    u = uniforms(1, N)
    assert (u > 0).all() and (u < 1).all()
    for column in u.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    correlations = np.corrcoef(u.T) - np.eye(5)
    assert abs(correlations).max() < 4 / np.sqrt(N)


def test_normals_are_normal():
    x = normals(2, N)
    for column in x.T:
        assert stats.kstest(column, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(x.T) - np.eye(4)).max() < 4 / np.sqrt(N)


def test_poisson_has_its_mean_and_law():
    for mean in (0.0, 0.3, 8.8, 60.0, 200.0):
        k = poissons(3, N, mean)
        if mean == 0:
            assert not k.any()
            continue
        low, high = stats.poisson.ppf([0.001, 0.999], mean).astype(int)
        edges = np.unique(np.linspace(low, high, 12).astype(int))
        observed = np.histogram(k, np.append(edges, 10_000))[0]
        cdf = stats.poisson.cdf(np.append(edges - 1, 9_999), mean)
        expected = np.diff(cdf) * N
        kept = expected > 5
        chi2 = ((observed - expected)[kept] ** 2 / expected[kept]).sum()
        assert stats.chi2.sf(chi2, kept.sum()) > 1e-3


def test_every_part_of_the_name_matters():
    base = (1, 0, 5, 2, 3, 4)
    seen = {tuple(map(int, words_of(*base)))}
    for position in range(6):
        for value in (base[position] + 1, base[position] + 17):
            name = list(base)
            name[position] = value
            seen.add(tuple(map(int, words_of(*name))))
    seen.add(tuple(map(int, words_of(1 + 2**40, 0, 5, 2, 3, 4))))
    seen.add(tuple(map(int, words_of(1, 0, 5 + 2**40, 2, 3, 4))))
    assert len(seen) == 15
