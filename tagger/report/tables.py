"""The tables of the report: plain rows of text, made from runs; no markup and no drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pseudoexp.benchmark.figures import EFFICIENCIES
from pseudoexp.benchmark.flavours import BACKGROUNDS
from tagger.evaluate import HEADLINE
from tagger.runs import Run

DASH = "–"
INPUTS = "inputs"
"""Name of the features among the layers a budget spans."""


@dataclass(frozen=True)
class Table:
    """A table: column heads, and per row the run's number (None for rows of no run) and the cells.

    `best` holds the cells (row, column) to stress.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[int | None, tuple[str, ...]], ...]
    best: frozenset[tuple[int, int]] = frozenset()


def measured(value: float | None, error: float | None) -> str:
    """Return value ± error with the error to two digits, such as '153 ± 12' or '0.9812 ± 0.0013'."""
    if value is None:
        return DASH
    if error is None or not error > 0.0:
        return f"{value:.4g}"
    digits = max(0, 1 - _exponent(error))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def _exponent(value: float) -> int:
    return int(f"{value:.1e}".split("e")[1])


def rejection(point: dict[str, Any] | None) -> str:
    """Return a rejection with its error, or its lower limit."""
    if not point:
        return DASH
    if point["rejection"] is None:
        limit = point["rejection_above"]
        return f"> {round(limit, 1 - _exponent(limit)):.0f}" if limit >= 10.0 else f"> {limit:.1f}"
    return measured(point["rejection"], point["rejection_error"])


def percent(value: float) -> str:
    """Return a share in percent, without a decimal where it is whole."""
    return f"{100.0 * value:.3g} %"


def count(value: float | None) -> str:
    """Return a number with thin spaces between thousands."""
    return DASH if value is None else f"{value:,.0f}".replace(",", "\u2009")


def performance(runs: Sequence[Run], weighting: str) -> Table:
    """AUC and rejections with errors and effective sample sizes, in one weighting."""
    heads = ("run", "AUC", *(f"1/ε_B at {e:.0%}" for e in EFFICIENCIES), "n_eff signal", "n_eff QCD",
             f"n_eff QCD passing at {HEADLINE:.0%}")
    rows, values = [], []
    for i, run in enumerate(runs):
        entry = run.metrics["weightings"][weighting]
        points = [entry["rejection"].get(f"{e:g}") for e in EFFICIENCIES]
        rows.append((i, (run.name, measured(entry["auc"], entry["auc_error"]), *(rejection(p) for p in points),
                         count(entry["n_eff_signal"]), count(entry["n_eff_background"]),
                         count(entry["rejection"][f"{HEADLINE:g}"]["n_eff_passed"]))))
        values.append([(entry["auc"], entry["auc_error"]), *(_measured_rejection(p) for p in points)])
    columns = [_best(column) for column in zip(*values, strict=True)]
    return Table(heads, tuple(rows), frozenset((i, c + 1) for c, best in enumerate(columns) for i in best))


def _measured_rejection(point: dict[str, Any] | None) -> tuple[float, float]:
    if not point or point["rejection"] is None:
        return ((point or {}).get("rejection_above", 0.0), 0.0)
    return point["rejection"], point["rejection_error"]


def _best(column: Sequence[tuple[float, float]]) -> list[int]:
    """Return which of some (value, error) are within one error of the largest; none where all are."""
    top, error = max(column)
    best = [i for i, (value, _) in enumerate(column) if value >= top - error]
    return best if len(best) < len(column) else []


def size(runs: Sequence[Run]) -> Table:
    """What was asked for, what was kept, and what it costs."""
    heads = ("run", "made by", "features asked", "features kept", "nodes asked", "nodes kept", "layout", "parameters",
             "multiplications", "effective bit operations", "epochs", "seconds")
    rows = []
    for i, run in enumerate(runs):
        model, asked, cost = run.metrics["model"], run.config.get("asked", {}), run.config.get("training", {})
        bits = run.metrics.get("quantisation", {}).get("ebops")
        rows.append((i, (run.name, _made_by(run), _asked(asked, "features"), str(model["inputs"]),
                         _asked(asked, "nodes"), str(model["nodes"]),
                         " – ".join(str(n) for n in (model["inputs"], *model["layout"], 1)), count(model["parameters"]),
                         count(model["multiplications"]), count(bits), _number(cost.get("epochs")), count(cost.get("seconds")))))
    return without_empty(Table(heads, tuple(rows)))


def _asked(asked: dict[str, Any], what: str) -> str:
    """Return the number asked for, or the budget that features and nodes share."""
    spans = set(asked.get("spans", ()))
    shared = INPUTS in spans and len(spans) > 1
    return f"{asked['budget']} shared" if shared and what not in asked else _number(asked.get(what))


def budgets(runs: Sequence[Run]) -> Table | None:
    """What each budget kept of every layer it spans; None if no run was resized."""
    resized = [(i, run, run.metrics["resize"]) for i, run in enumerate(runs)
               if "spans" in run.metrics.get("resize", {}).get("asked", {})]
    if not resized:
        return None
    layers = list(dict.fromkeys(name for _, _, entry in resized for name in entry["asked"]["spans"]))
    layers.sort(key=lambda name: (name != INPUTS, name))
    rows = []
    for i, run, entry in resized:
        asked, kept = entry["asked"], entry["kept"]
        cells = [f"{kept['spans'][name]} of {asked['spans'][name]}" if name in asked["spans"] else DASH for name in layers]
        rows.append((i, (run.name, str(asked["budget"]), str(kept["budget"]), *cells)))
    return Table(("run", "asked for", "kept", *layers), tuple(rows))


def _made_by(run: Run) -> str:
    method = run.config.get("asked", {}).get("method") or run.config.get("options", {}).get("method")
    return f"{run.config.get('command', DASH)}{f' ({method})' if method else ''}"


def _number(value: Any) -> str:
    return DASH if value is None else str(value)


def without_empty(table: Table) -> Table:
    """Return the table without columns in which every cell is a dash."""
    kept = [c for c in range(len(table.heads)) if any(cells[c] != DASH for _, cells in table.rows)]
    rows = tuple((i, tuple(cells[c] for c in kept)) for i, cells in table.rows)
    best = frozenset((r, kept.index(c)) for r, c in table.best if c in kept)
    return Table(tuple(table.heads[c] for c in kept), rows, best)


def flavours(runs: Sequence[Run]) -> Table:
    """Rejection of each background flavour at the headline efficiency, with the share of the background it makes."""
    first = runs[0].metrics["flavours"]
    heads = ("run", *(f"{name} ({percent(first[name]['share'])})" for name in BACKGROUNDS))
    rows = [(i, (run.name, *(rejection(run.metrics["flavours"][name].get("rejection", {}).get(f"{HEADLINE:g}"))
                             for name in BACKGROUNDS))) for i, run in enumerate(runs)]
    return Table(heads, tuple(rows))


def pt_bins(runs: Sequence[Run]) -> Table:
    """Per pT bin: rejection at the bin's own threshold, and efficiencies of the one threshold made for all pT."""
    bins = [(entry["low"], entry["high"]) for entry in runs[0].metrics["pt_bins"]]
    heads = ("run", *(f"{low:.0f}–{high:.0f} GeV" for low, high in bins))
    rows = []
    for i, run in enumerate(runs):
        cells = []
        for entry in run.metrics["pt_bins"]:
            own = rejection(entry.get("rejection", {}).get(f"{HEADLINE:g}"))
            fixed = f" (ε_S {percent(entry['signal_efficiency'])})" if "signal_efficiency" in entry else ""
            cells.append(own + fixed)
        rows.append((i, (run.name, *cells)))
    return Table(heads, tuple(rows))


def firmware(runs: Sequence[Run]) -> Table | None:
    """The check of the exported firmware, one row per run that was exported; None without."""
    exported = [(i, run, run.firmware) for i, run in enumerate(runs) if run.firmware]
    if not exported:
        return None
    heads = ("run", "backend", "part", "clock", "reuse", "rows compared", "mismatches", "largest difference", "AUC Keras",
             "AUC firmware", "compiled in")
    rows = []
    for i, run, check in exported:
        rows.append((i, (run.name, _number(check.get("backend")), _number(check.get("part")),
                         _with_unit(check.get("clock_ns"), "ns"), _number(check.get("reuse")),
                         count(check.get("rows_compared")), count(check.get("mismatches")),
                         _digits(check.get("max_abs_diff"), "g"), _digits(check.get("auc_keras"), ".5f"),
                         _digits(check.get("auc_firmware"), ".5f"), _with_unit(check.get("compile_seconds"), "s"))))
    return without_empty(Table(heads, tuple(rows)))


def _with_unit(value: float | None, unit: str) -> str:
    return DASH if value is None else f"{value:g} {unit}"


def _digits(value: float | None, form: str) -> str:
    return DASH if value is None else format(value, form)


def bit_widths(run: Run) -> Table | None:
    """Bits per layer of a quantised run; None for other runs."""
    layers = run.metrics.get("quantisation", {}).get("layers")
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, dict) for layer in layers):
        return None
    keys = [key for key in layers[0] if not isinstance(layers[0][key], list | dict)]
    rows = tuple((None, tuple(_cell(layer.get(key)) for key in keys)) for layer in layers)
    return Table(tuple(key.replace("_", " ") for key in keys), rows)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _number(value)


def importance_order(runs: Sequence[Run]) -> list[str]:
    """Return all inputs of the runs, those first on which the run with most inputs relies most."""
    widest = max(runs, key=lambda run: len(run.inputs))
    weight = widest.histograms.get("importance", {})
    names = dict.fromkeys(name for run in (widest, *runs) for name in run.inputs)
    return sorted(names, key=lambda name: -float(weight.get(name, 0.0)))
