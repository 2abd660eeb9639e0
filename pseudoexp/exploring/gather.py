"""Everything the page shows, gathered from a file in one pass and one sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo
from pseudoexp.dataset.reader import blocks
from pseudoexp.exploring.axes import axes_of, sampled
from pseudoexp.exploring.flow import STEPS, Flow
from pseudoexp.exploring.histograms import PT_EDGES, Histograms
from pseudoexp.validation.distances import rank_correlation

MOST_CORRELATED = 50_000
"""Rows per class that enter the correlations."""
_LEAST = 10
_HIDDEN = ("configuration", "shifted_configuration", "block_locators", "units", "descriptions", "jet_counts", "flavour_label")
Tell = Callable[[str, int, int], None]


def gather(info: FileInfo, tell: Tell) -> dict[str, Any]:
    """Return the page's data as plain values."""
    sample = existing(sampled(info))
    axes = axes_of(sample)
    counted, flow, done = Histograms(info, axes), Flow(info), 0
    for block in blocks(info):
        rows = existing(block)
        counted.add(rows)
        flow.add(rows)
        done += len(block)
        tell("reading", done, info.rows)
    columns = [asdict(axis) | {"sums": _short(counted.table(i))} for i, axis in enumerate(axes)]
    return {"classes": info.classes, "slices": list(PT_EDGES), "columns": columns, "inputs": list(schema.INPUTS),
            "correlations": correlations(info, sample), "flow": flow_rows(info, flow), "steps": list(STEPS)}


def existing(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return the rows under the nominal card: all, but for files of two."""
    return rows[rows["passes_nominal"]] if "passes_nominal" in (rows.dtype.names or ()) else rows


def correlations(info: FileInfo, sample: NDArray[np.void]) -> dict[str, Any]:
    """Return the rank correlations of the inputs per class, with the number of rows they come from."""
    found = {}
    for label, name in enumerate(info.classes):
        own = sample[sample["flavour_label"] == label]
        own = own[np.linspace(0, len(own) - 1, min(len(own), MOST_CORRELATED)).astype(int)]
        if len(own) >= _LEAST:
            matrix = rank_correlation(np.stack([own[column] for column in schema.INPUTS], axis=1))
            found[name] = {"rows": len(own), "matrix": np.round(matrix, 3).tolist()}
    return found


def flow_rows(info: FileInfo, flow: Flow) -> list[dict[str, Any]]:
    """Return the cut-flow per class: events tried, events with a row, then the steps."""
    tried, cross_section = info.attributes["events_tried"], info.attributes["cross_section"]
    return [{"class": name, "tried": int(tried[label % 2]), "generated": float(cross_section[label % 2]),
             "steps": [asdict(step) for step in flow.steps[label]]} for label, name in enumerate(info.classes)]


def facts(info: FileInfo) -> dict[str, Any]:
    """Return the attributes of the file that fit on lines, and its configuration."""
    attributes = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in info.attributes.items()
                  if name not in _HIDDEN}
    return {"attributes": {name: str(value) for name, value in attributes.items()},
            "configuration": json.loads(info.attributes.get("configuration", "{}"))}


def _short(values: NDArray[np.float64]) -> list[float | int]:
    """Return values in few characters: whole numbers as such, others to five digits."""
    return [int(v) if v == int(v) and abs(v) < 1e15 else float(f"{v:.5g}") for v in values.ravel().tolist()]


def numbered(events: Sequence[str]) -> list[int]:
    """Return event numbers from their texts."""
    from pseudoexp.production.run_config import parse_count

    return [parse_count(text, "event", 0, 2**62) for text in events]
