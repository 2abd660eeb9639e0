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
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError, DataError
from tagger.firmware import hls
from tagger.firmware.fixed_point import EXACT_BITS, FixedNetwork
from tagger.firmware.readme import readme
from tagger.firmware.rows import CHECK_FILE, CheckRows
from tagger.firmware.verify import BitCheck, bit_check, outcome, stress_rows
from tagger.runs import Run, write_json

BACKENDS = ("hls4ml",)
"""What `export` can write."""
SUMMARY_FILE = "firmware.json"
LOG_FILE = "export.log"
EFFICIENCIES = (0.3, 0.5, 0.6, 0.7)
PACKAGES = ("hls4ml", "hgq2", "keras", "tensorflow-cpu", "numpy", "pseudoexp")


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


def export(run: Run, out: str | Path, target: hls.Target = hls.Target(), backend: str = "hls4ml",
           rows: CheckRows | None = None, force: bool = False, report: Callable[[str], None] | None = None) -> Export:
    """Write a quantised run as a Vitis HLS project, compile its C simulation and compare every logit.

    The folder is written even if logits differ, so that one can look into it; the run's own folder gets the summary.

    Parameters
    ----------
    run : Run
        Written by `tagger quantise`, loaded with its network.
    out : str or Path
        Folder to write, under a temporary name until it is complete.
    target : Target
        Part, clock and reuse.
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
    DataError
        If the run is not quantised or has no rows to check with.
    GenerationError
        If hls4ml or g++ fails.
    """
    say = report or (lambda line: None)
    folder = Path(out)
    check_request(folder, backend, force)
    network = _network(run)
    if rows is None:
        rows = CheckRows.load(_folder_of(run) / CHECK_FILE, len(run.inputs))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent)).resolve()
    except OSError as error:
        raise ConfigError(f"{folder}: cannot write there ({error.strerror})") from None
    try:
        summary, passed = _export_into(scratch, run, network, target, rows, say)
        scratch.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    if run.path is not None:
        run.firmware = summary
        _replace_json(run.path / SUMMARY_FILE, summary)
    return Export(folder, summary, passed)


def check_request(folder: Path, backend: str, force: bool) -> None:
    """Refuse an export that cannot succeed before any work is done for it.

    Raises
    ------
    ConfigError
        If the backend is unknown, the folder exists (without `force`) or is no export, or g++ is not installed.
    MissingExtra
        Without hls4ml.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"backend {backend!r}; allowed: {', '.join(BACKENDS)}")
    if folder.exists() and not force:
        raise ConfigError(f"{folder}: exists already; --force replaces it")
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / SUMMARY_FILE).is_file())):
        raise ConfigError(f"{folder}: exists and is not an export; it is not replaced, even with --force")
    hls.require_hls4ml()
    hls.require_compiler()


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


def _export_into(folder: Path, run: Run, network: Any, target: hls.Target, rows: CheckRows,
                 say: Callable[[str], None]) -> tuple[dict[str, Any], bool]:
    from tagger.evaluate import logits
    from tagger.quantise import word_scales

    log = folder / LOG_FILE
    say(f"hls4ml: {' x '.join(str(layer.units) for layer in network.layers[1:])} nodes for {target.part}")
    project = hls.write_project(network, folder, target, log)
    say("g++: compiling the C simulation")
    start = time.perf_counter()
    project.compile_simulation()
    seconds = time.perf_counter() - start
    say(f"compiled in {seconds:.1f} s; comparing {len(rows.x)} rows of the test split")
    scales = word_scales(run.model)
    stress = stress_rows(scales)
    expected, extreme = logits(run.model, rows.x), logits(run.model, stress)
    with np.errstate(over="ignore"):
        found, far = project.logits(rows.x * scales), project.logits(stress * scales)
    integers = FixedNetwork.from_keras(run.model)
    checks = {"rows": bit_check(expected, found), "stress": bit_check(extreme, far),
              "integers": bit_check(integers.logits(rows.x), found),
              "stored": None if rows.logits is None else bit_check(rows.logits, found)}
    summary = _summary(run, target, rows, expected, found, checks, integers, project) | {
        "compile_seconds": round(seconds, 2)}
    hls.make_relocatable(folder)
    (folder / "README.md").write_text(readme(summary))
    write_json(folder / SUMMARY_FILE, summary)
    return summary, bool(summary["passed"])


def _summary(run: Run, target: hls.Target, rows: CheckRows, expected: NDArray[np.float32], found: NDArray[np.float64],
             checks: dict[str, BitCheck | None], integers: FixedNetwork, project: hls.HlsProject) -> dict[str, Any]:
    """Return the content of firmware.json, compile_seconds excepted."""
    from tagger.quantise import bit_widths, input_words

    main, stress = checks["rows"], checks["stress"]
    assert main is not None and stress is not None
    logit_bits = project.logit_fractional_bits
    return {
        "backend": "hls4ml", "hls_backend": hls.HLS_BACKEND, "part": target.part, "clock_ns": target.clock_ns,
        "reuse": target.reuse, "reuse_of_layers": project.reuse, "top": hls.TOP,
        "passed": all(check.passed for check in checks.values() if check is not None),
        **outcome(main), "rows_of_test_split": rows.split_rows,
        "stress_rows_compared": stress.rows, "stress_mismatches": stress.mismatches,
        "integer_model_mismatches": _mismatches(checks["integers"]),
        "stored_logit_mismatches": _mismatches(checks["stored"]),
        "auc_keras": _auc(expected, rows), "auc_firmware": _auc(found, rows),
        "ebops": sum(layer["ebops"] for layer in bit_widths(run.model)),
        "sum_bits": integers.sum_bits, "float32_exact": max(integers.sum_bits) <= EXACT_BITS,
        "input_format": project.input_format,
        "input_words": [word | {"format": word_format(word)} for word in input_words(run.model, run.inputs)],
        "logit_format": project.logit_format, "logit_fractional_bits": logit_bits,
        "thresholds": _thresholds(found, rows, logit_bits), "versions": _versions()}


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
    return {name: {"logit": cut, "word": round(math.ldexp(cut, fractional))} for name, cut in cuts.items()}


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
