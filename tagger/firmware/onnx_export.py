"""`tagger export --backend onnx`: a folder with model.onnx, compared with Keras by onnxruntime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pseudoexp.core.limited import ask
from pseudoexp.errors import DataError, SchemaError
from pseudoexp.optional import require
from tagger.firmware import onnx_child
from tagger.firmware.onnx_graph import EXTRA, INPUT, OUTPUT, TOLERANCE, Session, to_onnx
from tagger.firmware.rows import CHECK_FILE, CHECK_ROWS, CheckRows
from tagger.firmware.verify import BitCheck
from tagger.model import normalisation_of
from tagger.runs import Run

MODEL_FILE = "model.onnx"
_SECONDS = 300.0
"""Wall-clock limit of a foreign graph."""
_README = """# H->bb tagger as ONNX

Written by `tagger export --backend onnx`. `{file}` takes raw rows `inputs` (n, {count}) float32 in the units of the data file
(MeV, mm) and gives `logit` (n, 1); the normalisation is inside.

{rows} {kind} through onnxruntime: {mismatches} logits differ from Keras by more than {tolerance:g} (relative to the larger of 1
and the logit); the largest difference is {largest:.2g}. `tagger verify .` does it again.

Inputs, in order: {names}.
"""


def require_onnx() -> None:
    """Make sure that onnx and onnxruntime are there; see `pseudoexp.optional.require`."""
    require("onnx", EXTRA)
    require("onnxruntime", EXTRA)


def close_check(expected: ArrayLike, found: ArrayLike, tolerance: float = TOLERANCE) -> BitCheck:
    """Compare two sets of logits (n,) within a tolerance relative to the larger of 1 and the logit."""
    a, b = (np.asarray(v, dtype=np.float64).reshape(-1) for v in (expected, found))
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} logits expected, {len(b)} found")
    gap = np.abs(a - b)
    differs = np.flatnonzero(~(gap <= tolerance * np.maximum(np.abs(a), 1.0)))
    largest = float(np.max(np.where(np.isfinite(gap), gap, np.inf), initial=0.0))
    return BitCheck(len(a), len(differs), largest, int(differs[0]) if len(differs) else None)


def drawn_rows(run: Run, count: int = CHECK_ROWS // 2, seed: int = 1) -> CheckRows:
    """Return rows drawn around the training rows' means, for a float run, which keeps none of the data's."""
    mean, deviation = normalisation_of(run.model)
    x = mean + deviation * np.random.default_rng(seed).normal(size=(count, len(mean)))
    nothing = np.zeros(count)
    return CheckRows(x.astype(np.float32), nothing.astype(np.int8), nothing, nothing.astype(np.int64), None, 0)


def fill(folder: Path, run: Run, rows: CheckRows | None, say: Callable[[str], None]) -> tuple[dict[str, Any], str]:
    """Write model.onnx and the rows of the check into a folder.

    Returns
    -------
    (dict, str)
        Content of firmware.json, without versions, and of the README.
    """
    from tagger.evaluate import logits

    if run.model is None:
        raise DataError(f"{run.path or 'this run'} was loaded without its network")
    drawn = rows is None
    rows = drawn_rows(run) if rows is None else rows
    rows = rows.head(CHECK_ROWS)
    say("onnx: writing the graph")
    (folder / MODEL_FILE).write_bytes(to_onnx(run.model).SerializeToString())
    expected = logits(run.model, rows.x)
    say(f"onnxruntime: comparing {len(rows.x)} rows")
    check = close_check(expected, Session(folder / MODEL_FILE).logits(rows.x))
    CheckRows(rows.x, rows.y, rows.weight, rows.event, expected, rows.split_rows).save(folder / CHECK_FILE)
    kind = "rows drawn around the training's means" if drawn else "rows of the test split"
    summary = {"backend": "onnx", "passed": check.passed, "rows_compared": check.rows, "mismatches": check.mismatches,
               "max_abs_diff": check.max_abs_diff if np.isfinite(check.max_abs_diff) else None, "tolerance": TOLERANCE,
               "rows": kind, "inputs": list(run.inputs)}
    text = _README.format(file=MODEL_FILE, count=len(run.inputs), rows=check.rows, kind=kind, mismatches=check.mismatches,
                          tolerance=TOLERANCE, largest=check.max_abs_diff, names=", ".join(run.inputs))
    return summary, text


def answers(folder: Path, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logits (rows,) that an exported folder gives for raw inputs (rows, k), from a process with limits.

    Raises
    ------
    SchemaError
        If the graph cannot be read or run, or is none of ours.
    """
    model = folder / MODEL_FILE
    with tempfile.TemporaryDirectory(prefix="tagger-onnx-") as scratch:
        rows, logits = Path(scratch) / "rows.npy", Path(scratch) / "logits.npy"
        np.save(rows, np.ascontiguousarray(x, dtype=np.float32))
        said = ask(onnx_child.__file__, str(model.absolute()), str(rows), str(logits), seconds=_SECONDS)
        if "error" in said:
            raise SchemaError(f"{model}: onnxruntime cannot read it ({said['error']})")
        if said["names"] != [INPUT, OUTPUT]:
            raise SchemaError(f"{model}: takes and gives {said['names'][:4]}; allowed: {[INPUT, OUTPUT]}")
        found = np.load(logits, allow_pickle=False)
    if len(found) != len(x):
        raise SchemaError(f"{model}: gives {len(found)} logits for {len(x)} rows")
    return np.asarray(found, dtype=np.float64)
