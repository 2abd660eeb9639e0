"""The reference histograms and what is held against them."""

import numpy as np
import pytest
from real_events import events

from pseudoexp.validation.compare import breaches
from pseudoexp.validation.limits import Limits
from pseudoexp.validation.particle_jets import COLUMNS
from pseudoexp.validation.particle_level import collect
from pseudoexp.validation.reference import (
    BIASED,
    above,
    compare_with_reference,
    cross_section,
    groups,
    reference,
    reference_distance,
)
from pseudoexp.validation.run import particle_tables, reference_tables


def drawn(name, n, seed=1):
    """Return n values drawn from a reference histogram."""
    known = reference()[name]
    rng = np.random.default_rng(seed)
    bins = rng.choice(len(known.counts), n, p=known.counts / known.counts.sum())
    return rng.uniform(known.edges[bins], known.edges[bins + 1])


def test_numbers_of_the_reference():
    m = reference()["sig_higgs__m"]
    assert m.moments.mean == pytest.approx(131.14, abs=0.01) and m.moments.spread == pytest.approx(21.68, abs=0.01)
    assert m.all_counts().sum() == m.moments.n == 15865
    assert cross_section("signal") == pytest.approx(0.1832e-3, rel=0.01)
    assert cross_section("qcd") == pytest.approx(2.522e7 * 1e-3, rel=0.01)


@pytest.mark.parametrize("name", ["sig_higgs__m", "qcd_lead__ntrk", "qcd_event__nfinal"])
def test_values_drawn_from_a_histogram_agree_with_it(name):
    found = reference_distance(reference()[name], drawn(name, 4000))
    assert found.p_value > 0.01 and abs(found.excess) < 4 * found.fluctuation and found.wasserstein < 0.06
    assert abs(found.mean_shift[0]) < 4 * found.mean_shift[1] + 1e-3


def test_a_shift_shows():
    found = reference_distance(reference()["sig_higgs__m"], drawn("sig_higgs__m", 4000) + 4.0)
    assert found.p_value < 1e-10 and found.excess > 0.04 and found.mean_shift[0] == pytest.approx(4 / 131, rel=0.2)
    assert found.wasserstein == pytest.approx(4 / 21.7, rel=0.15)


def test_values_beyond_the_edges_count():
    known = reference()["sig_higgs__m"]
    values = drawn("sig_higgs__m", 3000)
    values[:1000] = 500.0
    assert reference_distance(known, values).total_variation > 0.3


def test_part_of_a_histogram():
    part = above(reference()["sig_B__xB_higgs"], 0.4)
    assert part.edges[0] == pytest.approx(0.4) and part.moments.n < reference()["sig_B__xB_higgs"].moments.n
    assert 0.7 < part.moments.mean < 0.76


def test_an_engine_is_held_against_it():
    level = collect("signal", iter([events("signal")]))
    found = compare_with_reference(level)
    assert {"sig_event__nfinal", "sig_B__nch", "sig_D__nch", "sig_B__xB_higgs"} <= set(found)
    assert all(not key.startswith("qcd") for key in found)
    assert found["sig_B__nch"].p_value > 1e-3
    (table, panels), = reference_tables(level)
    assert len(panels) == len(table.distances) - 1 and set(table.judged) == set(found) - set(BIASED)
    assert "sig_event__nch_eta2.5_pt0.5" in table.moments and "sig_B__nch" not in table.moments


def test_two_engines_are_compared(monkeypatch):
    monkeypatch.setattr("pseudoexp.validation.particle_level.MIN_ROWS", 10)
    monkeypatch.setattr("pseudoexp.validation.two_sample.MIN_ROWS", 10)
    level = collect("qcd", iter([events("qcd")] * 4))
    (jets, _), (whole, panels) = particle_tables(level, level)
    assert jets.sample == "leading QCD jets" and jets.verdicts["all"].rows == len(level.leading()) and jets.moments == ()
    assert whole.sample == "qcd events" and "meanpt" in whole.moments and not whole.verdicts
    assert all(d.total_variation == 0 for d in whole.distances.values()) and panels
    limits = Limits({"particles": {"mean": 0.0, "total_variation": 0.0, "fraction": 0.0}})
    assert not breaches(jets, limits) and not breaches(whole, limits)


def test_groups_of_jets():
    level = collect("signal", iter([events("signal")] * 4))
    column = {name: level.jets[:, i] for i, name in enumerate(COLUMNS)}
    below = column["pt"] < 1000
    assert len(groups(level)["sig_assocb_lead__pt"]) == (below & (column["rank"] == 0) & (column["dR_higgs"] > 1)).sum()
    assert len(groups(level)["sig_higgs__m"]) == len(level.leading())
    level = collect("qcd", iter([events("qcd")] * 4))
    found = groups(level)
    assert len(found["qcd_all__pt"]) > len(found["qcd_lead__pt"]) == len(level.leading())
    by_parton = sum(len(found.get(f"qcd_lead_{name}__pt", [])) for name in ("g", "uds", "c", "b"))
    assert 0 <= len(level.leading()) - by_parton < 200  # groups of fewer than 100 jets are left out
