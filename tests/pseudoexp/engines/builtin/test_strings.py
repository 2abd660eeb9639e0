"""Strings of an event: their partons, followed along the colour lines, and which neighbours are joined to one."""

from __future__ import annotations

import numpy as np
import pytest

from pseudoexp.engines.builtin.partons import FINAL, INCOMING, REMNANT, REPLACED, append_parton, new_partons
from pseudoexp.engines.builtin.strings import JOINING_MASS, constituent_mass, new_strings, trace_strings

FAR = [(0.0, 0.0, 30.0), (0.0, 25.0, -5.0), (-20.0, 3.0, 9.0), (14.0, -9.0, -22.0)]


def event(*rows: tuple[int, tuple[float, float, float], int, int], status: int = FINAL):
    """Return partons: species, momentum, colour, anticolour; diquarks are remnants."""
    partons = new_partons(80)
    for code, p, colour, anticolour in rows:
        mass = constituent_mass(code)
        append_parton(partons, code, REMNANT if abs(code) > 1000 else status, -1, 0, *p, np.sqrt(np.dot(p, p) + mass**2), mass,
                      colour, anticolour)
        partons.filled[1] = max(partons.filled[1], colour, anticolour)
    return partons


def traced(partons):
    """Return the strings."""
    strings = new_strings(40, 200)
    assert trace_strings(partons, strings) == strings.filled[0]
    return strings


def test_colour_lines_become_strings() -> None:
    """From triplets over gluons to antitriplets in the order of the event, then loops; not what branched or comes in."""
    partons = event((21, FAR[1], 5, 4), (2103, FAR[3], 0, 6), (21, FAR[0], 7, 8), (-3, FAR[2], 0, 5), (21, FAR[2], 8, 7),
                    (2, FAR[0], 4, 0), (1, FAR[1], 6, 0))
    for status in (REPLACED, INCOMING):
        append_parton(partons, 21, status, -1, 0, *FAR[0], 30.0, 0.0, 5, 7)
    partons.from_higgs[[0, 3, 5, 1]] = True
    strings = traced(partons)
    assert strings.filled[0] == 3
    assert strings.start[:3].tolist() == [0, 3, 5] and strings.length[:3].tolist() == [3, 2, 2]
    assert strings.row[:7].tolist() == [5, 0, 3, 6, 1, 2, 4]
    assert strings.flavour[:7].tolist() == [2, 0, -3, 1, 2103, 0, 0]
    assert strings.closed[:3].tolist() == [False, False, True] and strings.higgs[:3].tolist() == [True, False, False]
    np.testing.assert_array_equal(strings.p4[:7], partons.p4[strings.row[:7]])


def test_excess_is_the_mass_above_the_constituents() -> None:
    """A string of quarks at rest has none; of gluons all their mass."""
    strings = traced(event((5, (0.0, 0.0, 0.0), 1, 0), (-3, (0.0, 0.0, 0.0), 0, 1)))
    assert strings.excess[0] == pytest.approx(0.0, abs=1e-12)
    strings = traced(event((21, (0.0, 3.0, 4.0), 1, 2), (21, (0.0, -3.0, -4.0), 2, 1)))
    assert strings.excess[0] == pytest.approx(10.0)
    assert constituent_mass(-2101) == pytest.approx(0.65) and constituent_mass(21) == 0.0
    assert constituent_mass(5) == 5.0 and constituent_mass(-3201) == pytest.approx(0.825)


def joined(momenta: np.ndarray, masses: np.ndarray, flavours: list[int], closed: bool) -> tuple[list[np.ndarray], list[int]]:
    """Join neighbours one by one, in plain Python: the pair whose mass is the least above its own, gluons half."""
    p, codes = [np.append(v, np.sqrt(v @ v + m * m)) for v, m in zip(momenta, masses, strict=True)], list(flavours)

    def mass(q: np.ndarray) -> float:
        return float(np.sqrt(max(q[3] ** 2 - q[:3] @ q[:3], 0.0)))

    def excess(i: int, j: int) -> float:
        if codes[i] and codes[j]:
            return np.inf
        a, b = (q if code else 0.5 * q for q, code in ((p[i], codes[i]), (p[j], codes[j])))
        return mass(a + b) - mass(a) - mass(b)

    while len(p) > 2:
        gaps = [excess(i, (i + 1) % len(p)) for i in range(len(p) if closed else len(p) - 1)]
        i = int(np.argmin(gaps))
        if gaps[i] >= 0.3:
            break
        j = (i + 1) % len(p)
        p[i], codes[i] = p[i] + p[j], codes[i] or codes[j]
        del p[j], codes[j]
    return p, codes


@pytest.mark.parametrize("closed", [False, True])
def test_close_neighbours_are_joined(closed: bool) -> None:
    """Random strings of soft gluons against plain Python; the momentum of each string stays what it was."""
    assert JOINING_MASS == 0.3
    fewer = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 14))
        momenta = rng.normal(size=(n, 3)) * np.array([0.3, 0.3, 2.0])
        flavours = [0] * n if closed else [2, *[0] * (n - 2), -5]
        masses = np.array([constituent_mass(code) if code else 0.0 for code in flavours])
        rows = [(code or 21, tuple(p), i + 1 if closed or i < n - 1 else 0, (i or n) if closed else i)
                for i, (code, p) in enumerate(zip(flavours, momenta, strict=True))]
        strings = traced(event(*rows))
        expected, codes = joined(momenta, masses, flavours, closed)
        m = strings.length[0]
        assert m == len(expected)
        order = np.argsort(strings.p4[:m, 2]), np.argsort([p[2] for p in expected])
        np.testing.assert_allclose(strings.p4[:m][order[0]], np.array(expected)[order[1]], atol=1e-10)
        assert strings.flavour[:m][order[0]].tolist() == np.array(codes)[order[1]].tolist()
        np.testing.assert_allclose(strings.p4[:m, :3].sum(0), momenta.sum(0), atol=1e-10)
        fewer += m < n
    assert fewer > 30


def test_too_small_lists_are_reported() -> None:
    """Too few rows for partons, or for colour tags."""
    assert trace_strings(event(*[(21, FAR[0], 1, 1)] * 41), new_strings(40, 200)) == -1
    partons = event((2, FAR[0], 4, 0), (-3, FAR[2], 0, 4))
    for tags, expected in ((199, 1), (200, -1)):
        partons.filled[1] = tags
        assert trace_strings(partons, new_strings(40, 200)) == expected
