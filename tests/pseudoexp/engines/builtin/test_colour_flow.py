"""Colour flows: every line begins and ends once, partons have the colours of their species, neighbours are the named poles."""

import numpy as np
import pytest

from pseudoexp.engines.builtin.colour_flow import (
    ANNIHILATION,
    B_TO_HIGGS,
    COMPTON_ST,
    COMPTON_TU,
    GLUONS_ST,
    GLUONS_SU,
    GLUONS_TU,
    PAIR_FROM_FIRST,
    PAIR_FROM_SECOND,
    QUARK_ANTIQUARK,
    QUARKS,
    TO_GLUONS,
    exchange_rows,
    set_flow,
)

GLUONS = (21, 21, 21, 21)
FLOWS = {  # species, and the pairs of partons that colour lines connect, one line each; 0 and 1 come in, 2 and 3 go out
    GLUONS_ST: (GLUONS, "01 13 32 20"), GLUONS_SU: (GLUONS, "01 12 23 30"), GLUONS_TU: (GLUONS, "02 21 13 30"),
    PAIR_FROM_FIRST: ((21, 21, 5, -5), "01 02 13"), PAIR_FROM_SECOND: ((21, 21, 5, -5), "01 12 03"),
    QUARKS: ((2, 1, 2, 1), "03 12"), QUARK_ANTIQUARK: ((2, -1, 2, -1), "01 23"), ANNIHILATION: ((2, -2, 3, -3), "02 13"),
    COMPTON_ST: ((2, 21, 2, 21), "01 13 32"), COMPTON_TU: ((2, 21, 2, 21), "03 31 12"), TO_GLUONS: ((2, -2, 21, 21), "02 23 31"),
    B_TO_HIGGS: ((5, 21, 25, 5), "01 13")}


def flow(number: int, species: tuple[int, ...], conjugate: bool = False):
    """Return species and colours as set."""
    pdg_id, colour = np.zeros(4, np.int32), np.zeros((4, 2), np.int32)
    set_flow(pdg_id, colour, number, conjugate, *species)
    return pdg_id, colour


@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize("number", FLOWS)
def test_lines(number: int, conjugate: bool) -> None:
    """What comes in as a colour goes out as one or meets an anticolour; each tag stands twice and connects the expected pair."""
    species, lines = FLOWS[number]
    if conjugate:
        species = tuple(-k if abs(k) < 10 else k for k in species)
    pdg_id, colour = flow(number, species, conjugate)
    assert tuple(pdg_id) == species
    for k, code in enumerate(species):
        expected = {21: [True, True], 25: [False, False]}.get(code, [code > 0, code < 0])
        assert (colour[k] > 0).tolist() == expected
    begins = [*colour[:2, 0], *colour[2:, 1]]
    ends = [*colour[2:, 0], *colour[:2, 1]]
    assert sorted(c for c in begins if c) == sorted(c for c in ends if c) == list(range(1, len(lines.split()) + 1))
    found = {frozenset(np.flatnonzero((colour == tag).any(1)).tolist()) for tag in range(1, colour.max() + 1)}
    assert found == {frozenset(map(int, pair)) for pair in lines.split()}


@pytest.mark.parametrize(("number", "poles"), [
    (GLUONS_ST, "st"), (GLUONS_SU, "su"), (GLUONS_TU, "tu"), (COMPTON_ST, "st"), (COMPTON_TU, "tu"), (QUARKS, "t"),
    (QUARK_ANTIQUARK, "t"), (ANNIHILATION, "s")])
def test_poles(number: int, poles: str) -> None:
    """Momenta of partons exchanged are sums of neighbours along the lines; 0 -> 2 with t, 0 -> 3 with u."""
    _, colour = flow(number, FLOWS[number][0])
    neighbours = {frozenset(np.flatnonzero((colour == tag).any(1)).tolist()) for tag in range(1, colour.max() + 1)}
    channels = {"s": ({0, 1}, {2, 3}), "t": ({0, 2}, {1, 3}), "u": ({0, 3}, {1, 2})}
    whole = {name for name, pairs in channels.items() if any(frozenset(pair) in neighbours for pair in pairs)}
    if len(poles) == 2:
        assert whole == set(poles)
    else:  # the exchanged gluon carries the two lines between its ends: they join neither pair of its channel
        assert poles not in whole


def test_rows_change_places() -> None:
    """Twice is not at all."""
    pdg_id, colour = flow(COMPTON_ST, (2, 21, 2, 21))
    before = pdg_id.copy(), colour.copy()
    exchange_rows(pdg_id, colour, 0, 1)
    assert pdg_id.tolist() == [21, 2, 2, 21] and colour[0].tolist() == before[1][1].tolist()
    exchange_rows(pdg_id, colour, 0, 1)
    assert np.array_equal(pdg_id, before[0]) and np.array_equal(colour, before[1])
