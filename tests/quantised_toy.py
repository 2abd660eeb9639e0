"""Makes a small quantised run in seconds, once per test session."""

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from mock_file import mock_file

from tagger.data import TaggerData
from tagger.firmware.export import Export, export
from tagger.firmware.rows import CheckRows
from tagger.quantise import QuantiseOptions, quantised_run, save_with_rows
from tagger.runs import Run
from tagger.train import TrainConfig, train

INPUTS = ("pt", "mass", "eta", "vr1_ip3d_bu", "vr1_sv1_mass", "vr1_jf_sig3d", "vr2_ip3d_bc", "vr2_sv1_sig3d")
OPTIONS = QuantiseOptions(beta=1e-4, epochs=8, batch=32, learning_rate=1e-2, tolerance=0.004)


@cache
def folder() -> Path:
    """A temporary folder for this session."""
    path = Path(mkdtemp(prefix="quantised-toy-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@cache
def data() -> TaggerData:
    """2,500 made-up rows with heavy tails in two inputs."""
    return TaggerData.load(mock_file(folder() / "data.h5", 2500, seed=3, separation=0.9), INPUTS)


@cache
def float_run() -> Run:
    """A float network of 12-6 hidden nodes."""
    run = train(data(), TrainConfig(hidden=(12, 6), epochs=15, batch=64, seed=2))
    run.save(folder() / "half")
    return run


@cache
def quantised() -> Run:
    """The same in fixed point, saved with its rows."""
    run = quantised_run(float_run(), data(), OPTIONS)
    save_with_rows(run, data(), folder() / "q")
    return run


@cache
def exported() -> tuple[Export, list[str]]:
    """The quantised run as a Vitis HLS project, compiled and compared, and the lines that reported it."""
    quantised()
    lines: list[str] = []
    return export(Run.load(folder() / "q"), folder() / "fw", report=lines.append), lines


def check_rows() -> CheckRows:
    """The rows stored with the quantised run."""
    return CheckRows.load(quantised().path / "check.npz", len(INPUTS))
