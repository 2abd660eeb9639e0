"""Saved networks before Keras opens them: three members, layers of a bounded size, weights that can be read; no Keras needed."""

import io
import json
import time
import zipfile

import h5py
import numpy as np
import pytest

from pseudoexp.core import limited
from pseudoexp.errors import SchemaError
from tagger import network_file
from tagger.network_file import checked, weights_asked, written

CONFIG = {"class_name": "Sequential", "config": {"layers": [
    {"class_name": "InputLayer", "config": {"batch_shape": [None, 39]}},
    {"class_name": "Dense", "config": {"units": 64, "kernel_initializer": {"class_name": "HeNormal", "config": {"seed": 10**9}}},
     "build_config": {"input_shape": [None, 39]}},
    {"class_name": "Dense", "config": {"units": 1}}]}, "compile_config": {"decay_steps": 10**9}}


def plain(file):
    file.create_dataset("layers/dense/vars/0", data=np.zeros((39, 64), "f4"), compression="gzip")
    file["layers/dense"].attrs["name"] = "dense"


def weights(fill):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        fill(file)
    return stream.getvalue()


def saved(path, fill=plain, config=CONFIG, **more):
    members = {"metadata.json": b"{}", "config.json": json.dumps(config).encode(), "model.weights.h5": weights(fill), **more}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def test_a_network_of_ours_is_read_once(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(network_file, "ask", lambda *words, **more: asked.append(words) or limited.ask(*words, **more))
    path = saved(tmp_path / "model.keras")
    assert json.loads(checked(path)) == CONFIG and json.loads(checked(path)) == CONFIG and len(asked) == 1
    time.sleep(0.01)
    assert json.loads(checked(saved(path))) == CONFIG and len(asked) == 2
    written(saved(path))
    assert json.loads(checked(path)) == CONFIG and len(asked) == 2


def external(file):
    file.create_dataset("0", shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "0", (4,))
    file.create_virtual_dataset("0", layout)


def large(file):
    file.create_dataset("0", shape=(1 << 40,), dtype="f4", chunks=(1 << 20,))


def linked(file):
    file["0"] = h5py.ExternalLink("/etc/hostname", "0")


def texts(file):
    file.create_dataset("0", data=["a", "b"])


def filtered(file):
    file.create_dataset("0", data=np.zeros(1000), scaleoffset=2)


@pytest.mark.parametrize("fill", [external, virtual, large, linked, texts, filtered])
def test_weights_that_are_no_arrays_of_numbers_are_refused(tmp_path, fill):
    with pytest.raises(SchemaError, match=r"m\.keras: the weights cannot be read \(") as caught:
        checked(saved(tmp_path / "m.keras", fill))
    assert "\n" not in str(caught.value)


def test_weights_that_break_the_library_or_take_for_ever_are_refused(tmp_path, monkeypatch):
    path = saved(tmp_path / "m.keras")
    for program, said in (("import os; os.abort()", "broke the library"), ("import time; time.sleep(60)", "more than 0.5 s")):
        (tmp_path / "child.py").write_text(program)
        monkeypatch.setattr(network_file.weights_child, "__file__", str(tmp_path / "child.py"))
        monkeypatch.setattr(network_file, "SECONDS", 0.5 if "sleep" in program else 60.0)
        with pytest.raises(SchemaError, match=said):
            checked(path)


@pytest.mark.parametrize("more", [{"assets/run.py": b"x"}, {"model.weights.npz": b""}, {"metadata.json": None}])
def test_other_members_are_refused(tmp_path, more):
    with pytest.raises(SchemaError, match=r"not a network saved by Keras: holds"):
        checked(saved(tmp_path / "m.keras", **more))


def test_layers_that_ask_for_too_much_are_refused_before_they_are_built(tmp_path):
    assert 39 * 64 + 64 < weights_asked(CONFIG) < 20_000
    for change in ({"units": 10**6}, {"units": 64, "input_dim": 10**7}, {"filters": 64, "kernel_size": [1000, 1000]},
                   {"units": [[3] * 1000] * 100}):
        config = {"class_name": "Dense", "config": change}
        with pytest.raises(SchemaError, match="may ask for more than 134217728 weights"):
            checked(saved(tmp_path / "m.keras", config={"layers": [CONFIG, config]}))
    built = {"class_name": "Dense", "config": {"units": 64}, "build_config": {"input_shape": [None, 10**8]}}
    with pytest.raises(SchemaError, match="may ask for more"):
        checked(saved(tmp_path / "m.keras", config=built))


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff", b"{"])
def test_descriptions_that_are_no_json_are_refused(tmp_path, content):
    with pytest.raises(SchemaError, match="not a network saved by Keras, or damaged"):
        checked(saved(tmp_path / "m.keras", **{"config.json": content}))


def test_what_unpacks_to_too_much_is_not_unpacked(tmp_path):
    with pytest.raises(SchemaError, match="larger than a network of ours"):
        checked(saved(tmp_path / "m.keras", **{"config.json": b" " * (network_file.MOST_CONFIG + 1)}))


@pytest.mark.parametrize("count", [5, pytest.param(400, marks=pytest.mark.slow)])
def test_any_byte_of_the_weights_may_be_wrong(tmp_path, count):
    """The archive is whole, so that the damage reaches the HDF5 library, in the child."""
    rng, content = np.random.default_rng(count), weights(plain)
    for _ in range(count):
        changed = bytearray(content)
        place = int(rng.integers(len(content)))
        changed[place:place + int(rng.integers(0, 4))] = rng.bytes(int(rng.integers(0, 8)))
        try:
            checked(saved(tmp_path / "m.keras", **{"model.weights.h5": bytes(changed)}))
        except SchemaError as error:
            assert "\n" not in str(error)
