"""Budgets on a cost: held at every temperature, exact gradient, rounded down without room for another node."""

import keras
import numpy as np
import pytest
from gate_conformance import GateConformance
from gradients import FLOAT, assert_same, differences, gradients
from keras import ops

from pseudoexp.errors import ConfigError
from tagger.cli import main
from tagger.model import build
from tagger.resize.cost import Cost
from tagger.resize.gate import AutoPruner, Budget, find_budgets, find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.priced import cheapest_first, priced_hard, priced_occupation

SIZES = (9, 8, 5)
OWNERS = np.repeat(np.arange(3), SIZES)
CHANNELS = np.array([1, 1, 2, 2, 1, 1, 3, 1, 1, *[1] * 13])
COST = Cost("multiplications", 3.0, (0, 0, 1), ((0, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0)))


class TestPriced(GateConformance):
    """The conformance of a gate whose budget is one of products of neighbouring layers, four for each node asked for."""

    layer = AutoPruner
    exact_sum = True
    accuracy = 1e-5 * 20
    trained = 8

    def limit(self, nodes):
        return 4.0 * nodes

    def any_limit(self, layout, rng):
        cost = self.budget(0.25, len(layout)).cost
        return float(rng.integers(cost.value(np.ones(len(layout))), cost.value(layout) + 1))

    def budget(self, nodes, gates):
        products = 0.5 * (np.eye(gates, k=1) + np.eye(gates, k=-1))
        return Budget(self.limit(nodes), cost=Cost("products", 0.0, (1.0,) * gates, tuple(map(tuple, products))))

    def check_frozen(self, model):
        """No more than the limit is spent, and no other node would fit."""
        budget = find_budgets(model)[0]
        kept = np.array([len(gate.kept()) for gate in budget.layers])
        assert set(self.gates(model)) <= {0.0, 1.0} and budget.spent() == budget.cost.value(kept) <= budget.nodes
        for more in np.eye(len(kept))[kept < budget.sizes]:
            assert budget.cost.value(kept + more) > budget.nodes


def _scores(kind):
    rng = np.random.default_rng(4)
    return {"spread": rng.normal(size=22), "equal": np.zeros(22), "ties": rng.integers(-1, 2, 22) * 1.0}[kind].astype("float32")


def _spent(gates):
    return float(COST.value(np.bincount(OWNERS, weights=CHANNELS * np.asarray(gates, dtype=float))))


def test_the_form_is_the_product_of_neighbours():
    for sums in ([9, 8, 5], [2, 3, 4]):
        assert COST.value(sums) == 3 + sums[0] * sums[1] + sums[1] * sums[2] + sums[2]
        assert float(COST.tensor(ops.convert_to_tensor(np.array(sums, dtype="float32")))) == COST.value(sums)
    slope = ops.convert_to_numpy(COST.marginal(ops.convert_to_tensor(np.array([2.0, 3.0, 4.0]))))
    assert slope.tolist() == [3.0, 6.0, 4.0]
    assert Cost.from_dict(COST.to_dict()) == COST
    with pytest.raises(ConfigError, match="negative"):
        Cost("x", -1.0, (), ())


@pytest.mark.parametrize("limit", [20.0, 61.5, 120.0])
@pytest.mark.parametrize("kind", ["spread", "equal", "ties"])
def test_the_cost_is_held_at_every_temperature(limit, kind):
    scores = _scores(kind)
    for heat in (30.0, 1.0, 0.1, 0.01, 1e-3):
        gates = ops.convert_to_numpy(priced_occupation(ops.convert_to_tensor(scores), OWNERS, CHANNELS, COST, limit, heat))
        assert _spent(gates) == pytest.approx(limit, rel=1e-5)
        assert np.bincount(OWNERS, weights=gates).min() > 1 - 1e-5


def test_at_most_one_gate_stays_fractional():
    gates = ops.convert_to_numpy(priced_occupation(ops.convert_to_tensor(_scores("spread")), OWNERS, CHANNELS, COST, 61.5, 1e-4))
    assert np.sum((gates > 1e-3) & (gates < 1 - 1e-3)) <= 1


@pytest.mark.parametrize("limit", [20.0, 61.5, 120.0])
@pytest.mark.parametrize("kind", ["spread", "equal", "ties"])
def test_nothing_more_fits(limit, kind):
    kept = cheapest_first(_scores(kind), OWNERS, CHANNELS, COST, limit)
    assert _spent(kept) <= limit and np.bincount(OWNERS, weights=kept).min() >= 1
    for i in np.flatnonzero(~kept):
        more = kept.copy()
        more[i] = True
        assert _spent(more) > limit
    first = ops.convert_to_numpy(priced_hard(ops.convert_to_tensor(_scores(kind)), OWNERS, CHANNELS, COST, limit)) > 0.5
    assert _spent(first) <= limit and np.all(kept[first])


@pytest.mark.parametrize("heat", [1.0, 0.1])
def test_the_gradient_matches_finite_differences(heat):
    weights = ops.convert_to_tensor(np.random.default_rng(2).normal(size=22), dtype=FLOAT)
    scores = keras.Variable(_scores("spread"), dtype=FLOAT)
    for limit in (20.0, 61.5):

        def total(limit=limit):
            gates = priced_occupation(ops.convert_to_tensor(scores), OWNERS, CHANNELS, COST, limit, heat)
            return ops.sum(weights * gates)

        assert_same(gradients(total, [scores]), differences(total, [scores]), atol=1e-7)


def test_luts_choose_the_layouts_of_multiplications():
    """One is the other times a constant, and the documentation and the command's help say so."""
    kept = {}
    for cost in ("multiplications", "luts"):
        model = insert_pruners(build(6, (8, 5), np.zeros(6), np.ones(6)), "40%", cost=cost)
        for seed, gate in enumerate(find_gates(model)):
            gate.scores.assign(np.random.default_rng(seed).normal(size=gate.size))
        (budget,) = find_budgets(model)
        budget.freeze()
        kept[cost] = [gate.kept().tolist() for gate in find_gates(model)]
        spent = budget.spent()
    assert kept["luts"] == kept["multiplications"] and sum(map(len, kept["luts"])) < 13
    inputs, nodes = 6, [len(gate) for gate in kept["luts"]]
    assert spent == pytest.approx(0.29 * 8 * 8 * (inputs * nodes[0] + nodes[0] * nodes[1] + nodes[1]))


def test_the_help_says_what_luts_are_priced_by(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["prune", "--help"]) == 0
    assert "that of multiplications times a constant; synthesis decides" in " ".join(capsys.readouterr().out.split())


def test_impossible_limits_are_named():
    with pytest.raises(ConfigError, match=r"allowed are \d+ \(one node in each of 3 layers\) to "):
        cheapest_first(_scores("equal"), OWNERS, CHANNELS, COST, 7.0)
    with pytest.raises(ConfigError, match="cannot keep within 1e"):
        cheapest_first(_scores("equal"), OWNERS, CHANNELS, COST, 1e9)
