"""ONNX: Keras' logits, to float accuracy for a float network, to the bit for a quantised one; `verify` finds others."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
import quantised_toy as toy

from pseudoexp.errors import MissingExtra, SchemaError
from tagger.cli import main
from tagger.evaluate import logits
from tagger.firmware import onnx_graph
from tagger.firmware.export import export
from tagger.firmware.onnx_export import MODEL_FILE, close_check
from tagger.firmware.recheck import recheck
from tagger.firmware.rows import CheckRows
from tagger.firmware.verify import stress_rows
from tagger.model import build
from tagger.runs import Run


def session(model, folder):
    path = folder / "m.onnx"
    path.write_bytes(onnx_graph.to_onnx(model).SerializeToString())
    return onnx_graph.Session(path)


def test_a_float_network_agrees(tmp_path):
    model, x = toy.float_run().model, toy.data().test.x
    found, expected = session(model, tmp_path).logits(x), logits(model, x)
    assert close_check(expected, found).passed and np.std(expected) > 1.0


def test_a_quantised_network_agrees_to_the_bit(tmp_path):
    pytest.importorskip("hgq")
    from tagger.quantise import word_scales

    model = toy.quantised().model
    run = session(model, tmp_path)
    rows = [toy.data().test.x, np.concatenate([toy.data().val.x, toy.data().train.x]), stress_rows(word_scales(model))]
    for x in rows:
        assert np.array_equal(run.logits(x), logits(model, x))


def test_without_hidden_layers_it_is_a_regression(tmp_path):
    model = build(3, (), [1.0, 2.0, 3.0], [4.0, 9.0, 0.25], seed=3)
    x = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    assert close_check(logits(model, x), session(model, tmp_path).logits(x)).passed


def test_export_and_verify(tmp_path, capfd):
    toy.float_run()
    folder = tmp_path / "onnx"
    assert main(["export", str(toy.folder() / "half"), "--backend", "onnx", "--out", str(folder)]) == 0
    assert "10000 rows drawn around the training's means, 0 differ" in capfd.readouterr().out
    assert Run.load(toy.folder() / "half", with_model=False).firmware is None
    assert recheck(folder).passed and "inputs` (n, 8)" in (folder / "README.md").read_text()
    rows = CheckRows.load(folder / "check.npz", len(toy.INPUTS))
    rows.logits[7] += 0.01
    rows.save(folder / "check.npz")
    assert main(["verify", str(folder), "--quiet"]) == 1
    said = capfd.readouterr().err
    assert said.startswith(f"error: {folder}: row 7: onnxruntime gives") and "(1 of 10000 rows differ)" in said


def test_rows_of_a_file_are_used(tmp_path):
    run = Run.load(toy.quantised().path)
    done = export(run, tmp_path / "fw", backend="onnx")
    assert done.passed and done.summary["rows"] == "rows of the test split"
    assert done.summary["max_abs_diff"] == 0.0 and done.summary["versions"]["onnxruntime"]


def test_a_damaged_graph_is_one_line(tmp_path):
    export(toy.float_run(), tmp_path / "fw", backend="onnx")
    (tmp_path / "fw" / MODEL_FILE).write_bytes(b"no graph")
    with pytest.raises(SchemaError, match="onnxruntime cannot read it"):
        recheck(tmp_path / "fw")


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"onnxruntime is not installed: pip install 'pseudoexp\[onnx\]'"):
        export(toy.float_run(), tmp_path / "fw", backend="onnx")
    assert not list(tmp_path.iterdir())


def test_differences_are_found():
    assert close_check([1.0, 1000.0], [1.0, 1000.05]).passed
    check = close_check([0.0, 1.0, np.nan], [0.0, 1.001, 1.0])
    assert (check.mismatches, check.first, check.max_abs_diff) == (2, 1, np.inf)
