"""The quantised network: weights taken over exactly, few bits, little AUC lost, inputs that saturate."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("hgq")
import keras
import quantised_toy as toy

from pseudoexp.errors import ConfigError, DataError
from tagger.cli import main
from tagger.evaluate import logits
from tagger.firmware.rows import CheckRows
from tagger.model import build, complexity, dense_layers, moments
from tagger.quantise import (
    WORDS,
    QuantiseOptions,
    bit_widths,
    convert,
    firmware_part,
    input_words,
    is_quantised,
    quantise,
    save_with_rows,
    word_scales,
)
from tagger.runs import Run


def test_conversion_keeps_the_function():
    run = toy.float_run()
    x = toy.data().test.x
    before, after = logits(run.model, x), logits(convert(run.model, toy.data().train.x), x)
    assert np.corrcoef(before, after)[0, 1] > 0.99
    assert np.median(np.abs(after - before)) < 0.1 * before.std()


def test_words_are_shifts_of_order_one():
    scales = word_scales(toy.quantised().model).astype(np.float64)
    assert np.array_equal(np.exp2(np.round(np.log2(scales))), scales)
    typical = np.quantile(np.abs(toy.data().test.x * scales), 0.9, axis=0)
    assert np.all(typical < 2.0) and np.all(typical > 1e-3)


def test_little_auc_is_lost_and_bits_are_saved():
    found = toy.quantised().metrics["quantisation"]
    start = convert(toy.float_run().model, toy.data().train.x)
    keras.ops.convert_to_numpy(start(toy.data().train.x[:64], training=True))
    assert found["ebops"] < 0.8 * sum(int(layer.ebops) for layer in dense_layers(start))
    assert found["within_tolerance"] and found["float_val_auc"] - found["val_auc"] <= toy.OPTIONS.tolerance
    assert found["float_auc"] - found["auc"] < 0.01


def test_selection_takes_the_smallest_network_within_the_tolerance():
    run = toy.quantised()
    history, found = run.history, run.metrics["quantisation"]
    floor = found["float_val_auc"] - toy.OPTIONS.tolerance
    allowed = [e for e, a in zip(history["ebops"], history["val_auc"], strict=True) if a >= floor]
    assert history["ebops"][found["epoch"] - 1] == min(allowed)
    assert found["val_auc"] == pytest.approx(history["val_auc"][found["epoch"] - 1], abs=1e-9)


def test_beta_grows_to_its_value():
    beta = toy.quantised().history["beta"]
    assert beta[0] == pytest.approx(0.01 * toy.OPTIONS.beta) and beta[-1] == pytest.approx(toy.OPTIONS.beta)
    assert np.all(np.diff(beta) >= 0.0)


def test_inputs_saturate_and_do_not_wrap():
    model = toy.quantised().model
    k = len(toy.INPUTS)
    base = np.median(toy.data().train.x, axis=0)
    for column in range(k):
        rows = np.repeat(base[None], 4, axis=0)
        rows[:, column] = [1e12, 1e20, -1e12, -1e20]
        z = logits(model, rows.astype(np.float32))
        assert z[0] == z[1] and z[2] == z[3]


def test_a_negative_value_of_a_positive_input_counts_as_zero():
    model = toy.quantised().model
    words = {word["name"]: word for word in input_words(model, toy.INPUTS)}
    assert not words["pt"]["signed"] and words["eta"]["signed"]
    row = np.median(toy.data().train.x, axis=0)
    rows = np.stack([row, row])
    rows[:, toy.INPUTS.index("pt")] = [0.0, -5e5]
    z = logits(model, rows)
    assert z[0] == z[1]


def test_the_folder_loads_without_pickles_and_gives_the_same_logits():
    path = toy.quantised().path
    run = Run.load(path)
    assert is_quantised(run.model) and run.inputs == toy.INPUTS
    rows = CheckRows.load(path / "check.npz", len(toy.INPUTS))
    assert len(rows.x) == len(toy.data().test) == rows.split_rows
    assert np.array_equal(rows.logits, logits(run.model, rows.x))
    with np.load(path / "check.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
    assert run.config["command"] == "quantise" and run.config["parent"].endswith("half")
    assert run.config["versions"]["hgq2"] and "hgq2" not in toy.float_run().config["versions"]
    assert run.metrics["quantisation"]["ebops"] == sum(layer["ebops"] for layer in bit_widths(run.model))


def test_the_same_logits_from_predict():
    run = toy.quantised()
    x = toy.data().test.x
    assert np.array_equal(run.model.predict(x, verbose=0)[:, 0], logits(run.model, x))


def test_firmware_part_starts_behind_the_shift():
    run = toy.quantised()
    x = toy.data().test.x
    part = firmware_part(run.model)
    assert not any(layer.name == WORDS and isinstance(layer, keras.layers.Rescaling) for layer in part.layers)
    assert np.array_equal(logits(part, x * word_scales(run.model)), logits(run.model, x))


def test_size_counts_weights_only():
    assert complexity(toy.quantised().model) == complexity(toy.float_run().model)


def test_bit_widths_and_words_are_json():
    json.dumps(toy.quantised().metrics["quantisation"], allow_nan=False)


def test_same_seed_same_network():
    options = replace(toy.OPTIONS, epochs=2)
    first, second = (quantise(toy.float_run().model, toy.data(), options) for _ in range(2))
    assert first.summary == second.summary
    assert np.array_equal(logits(first.model, toy.data().test.x), logits(second.model, toy.data().test.x))


def test_rows_kept_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr("tagger.quantise.CHECK_ROWS", 50)
    run = replace(toy.quantised())
    folder = save_with_rows(run, toy.data(), tmp_path / "q")
    rows = CheckRows.load(folder / "check.npz", len(toy.INPUTS))
    assert len(rows.x) == len(rows.logits) == 50 and rows.split_rows == len(toy.data().test)


def test_a_large_beta_is_an_error_not_an_empty_network():
    with pytest.raises(ConfigError, match="smaller --beta"):
        quantise(toy.float_run().model, toy.data(), QuantiseOptions(beta=0.5, epochs=12, batch=32, tolerance=0.5,
                                                                    learning_rate=0.05))


def test_a_quantised_network_is_refused():
    with pytest.raises(ConfigError, match="quantised already"):
        quantise(toy.quantised().model, toy.data(), toy.OPTIONS)


def test_a_float_network_has_no_firmware_part():
    with pytest.raises(DataError, match="tagger quantise"):
        firmware_part(toy.float_run().model)


def test_other_activations_are_refused():
    model = build(len(toy.INPUTS), (4,), *moments(toy.data().train.x))
    model.get_layer("hidden_1").activation = keras.activations.tanh
    with pytest.raises(ConfigError, match="hidden_1"):
        convert(model, toy.data().train.x)


@pytest.mark.parametrize(("layer", "words"), [
    (keras.layers.Conv1D(3, 2), []), (keras.layers.GRU(3), ["--luts", "500", "--nodes", "50%", "--estimate"])])
def test_convolutions_and_recurrent_layers_are_the_users_mistake(layer, words, tmp_path, capsys):
    x = keras.Input((len(toy.INPUTS),))
    h = keras.layers.Flatten()(layer(keras.layers.Reshape((4, 2))(x)))
    network = keras.Model(x, keras.layers.Dense(1)(h))
    with pytest.raises(ConfigError, match=r"layer reshape.* \(Reshape\) .*allowed: Dense layers"):
        convert(network, toy.data().train.x)
    other = replace(toy.float_run(), model=network).save(tmp_path / "other")
    command = ["quantise", str(toy.data().source["path"]), "--model", str(other), "--out", str(tmp_path / "q"), *words]
    assert main(command) == 2 and "cannot be quantised; allowed: Dense layers" in capsys.readouterr().err
    assert not (tmp_path / "q").exists()


def test_logistic_regression_can_be_quantised():
    model = build(len(toy.INPUTS), (), *moments(toy.data().train.x))
    done = quantise(model, toy.data(), QuantiseOptions(epochs=1, tolerance=0.5))
    assert [layer["shape"] for layer in done.summary["layers"]] == [[len(toy.INPUTS), 1]]


@pytest.mark.parametrize("wrong", [{"beta": -1.0}, {"beta": float("nan")}, {"epochs": 0}, {"batch": 0}, {"batch": 2.5},
                                   {"tolerance": 0.9}, {"learning_rate": 0.0}, {"patience": 0}])
def test_options_are_checked(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        QuantiseOptions(**wrong)


def _command(*arguments, block=""):
    """Run `python -m tagger` with a module made unimportable."""
    code = (f"import sys; sys.modules.update({{m: None for m in {block.split()!r}}}); "
            "import tagger.__main__ as m; m.main()")
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True,
                          check=False, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})


def test_without_hgq_one_line_names_the_extra(tmp_path):
    done = _command("quantise", toy.folder() / "data.h5", "--model", toy.float_run().path, "--out", tmp_path / "q",
                    block="hgq")
    assert done.returncode == 2 and done.stderr.strip().splitlines()[-1].endswith("pip install 'pseudoexp[fpga]'")
    assert not (tmp_path / "q").exists()


def test_the_command_line_writes_a_run(tmp_path, capsys):
    done = _command("quantise", toy.folder() / "data.h5", "--model", toy.float_run().path, "--out", tmp_path / "q",
                    "--epochs", "1", "--tolerance", "0.3")
    assert done.returncode == 0, done.stderr
    found = Run.load(tmp_path / "q", with_model=False).metrics["quantisation"]
    assert found["epoch"] == 1 and len(found["left"]) == 3
    took = "none" if found["left"] == [8, 12, 6] else "the others"
    line = "left        {} of 8 inputs, {}-{} nodes; bits of zero took {} away\n".format(*found["left"], took)
    assert "EBOPs" in done.stdout and line in done.stdout
    again = ["quantise", toy.folder() / "data.h5", "--model", toy.float_run().path, "--out", tmp_path / "q"]
    assert main([str(word) for word in again]) == 2 and "--force" in capsys.readouterr().err
