"""What the pages on a release say about its file: numbers as JSON types, and those numbers as texts."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from pseudoexp.benchmark.flavours import BACKGROUNDS, LABEL_COLUMNS, flavours_of
from pseudoexp.benchmark.registry import release
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.splits import RESIDUES
from pseudoexp.errors import DamagedFile

PT_EDGES = (250, 350, 500, 750, 1000, 3000)
COLUMNS = ("pt", "mass", "massUntrimmed", "tau21", "D2", "dR_vr1_vr2", "vr1_pt", "vr2_pt", "vr1_ip3d_bu", "vr2_ip3d_bu",
           "vr1_sv1_mass", "vr1_sv1_l3d", "vr1_jf_sig3d")
"""Columns whose quantiles are quoted."""
EFFICIENCY = 0.7
FLAVOURS = {5: "b", 4: "c", 0: "light"}
GEV = 1e-3


def read(file: Path) -> np.ndarray:
    """Return all rows of a file's `jets`."""
    with h5py.File(file) as opened:
        return opened["jets"][:]


def measure(file: Path, name: str) -> dict:
    """Return all that is quoted.

    Raises
    ------
    DamagedFile
        If the file does not hold the rows of the release.
    """
    one, info, rows = release(name), probe(file), read(file)
    found = str(info.attributes["dataset_hash"])
    if one.dataset_hash and found != one.dataset_hash:
        raise DamagedFile(f"{file}: its rows ({found}) are not those of {name} ({one.dataset_hash})")
    configuration = json.loads(info.attributes["configuration"])
    facts = {"release": name, "status": one.status, "dataset_hash": found, "bytes": file.stat().st_size, "rows": len(rows),
             **{key: configuration.get(key, "") for key in ("engine", "engine_version", "dataset_version", "seed")},
             "columns": len(rows.dtype.names), "inputs": len(schema.INPUTS),
             "not_finite": int(sum((~np.isfinite(rows[c])).sum() for c in rows.dtype.names if rows.dtype[c].kind == "f"))}
    names = [str(n) for n in info.attributes["flavour_label"]][:2]
    facts["classes"] = {name: _of_class(rows[rows["flavour_label"] == label], int(info.attributes["events_tried"][label]),
                                        float(info.attributes["cross_section"][label]))
                        for label, name in enumerate(names)}
    facts["qcd_flavours"] = _flavours(rows[rows["flavour_label"] == 1])
    facts["track_jets"] = _track_jets(rows)
    return facts


def _of_class(rows: np.ndarray, tried: int, cross_section: float) -> dict:
    _, event, events = np.unique(rows["eventNumber"], return_inverse=True, return_counts=True)
    weight, physical = rows["benchmarkWeight"].astype(float), rows["mcEventWeight"] / tried
    pt, mass = rows["pt"] * GEV, rows["mass"] * GEV
    within = [np.bincount(event, physical * ((pt >= low) & (pt < high))) for low, high in pairwise(PT_EDGES)]  # by event
    counts, edges = np.histogram(mass, np.arange(50.0, 200.1, 2.0), weights=weight)
    top = int(counts.argmax())
    return {
        "rows": len(rows), "events": len(events), "tried": tried, "cross_section": cross_section,
        "splits": {split: int(np.isin(rows["eventNumber"] % 10, residues).sum()) for split, residues in RESIDUES.items()},
        "rows_sharing": float(events[events > 1].sum() / max(len(rows), 1)), "most_rows": int(events.max(initial=0)),
        "effective": float(physical.sum() ** 2 / (physical**2).sum()), "accepted": float(physical.sum() / cross_section),
        "mass_mode": float(0.5 * (edges[top] + edges[top + 1])), "in_window": _share((mass > 100) & (mass < 140), weight),
        "two_b": _share((rows["vr1_truth_label"] == 5) & (rows["vr2_truth_label"] == 5), weight),
        "vertices": [_share(rows[f"vr{i}_has_sv"], weight) for i in (1, 2)],
        "spectrum": [[float(found.sum()), float(np.sqrt((found**2).sum()))] for found in within],
        "quantiles": {name: _quantiles(rows[name], weight) for name in COLUMNS}}


def _share(chosen: np.ndarray, weight: np.ndarray) -> float:
    return float(weight[chosen].sum() / weight.sum())


def _quantiles(values: np.ndarray, weight: np.ndarray) -> list[float]:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return [float(values[order[np.searchsorted(total, share * total[-1])]]) for share in (0.16, 0.5, 0.84)]


def _flavours(rows: np.ndarray) -> dict:
    """Return the share of every background flavour among rows, by benchmark weight and by cross-section, and in bins of pT."""
    flavour = flavours_of({name: rows[name] for name in LABEL_COLUMNS}, np.zeros(len(rows), bool))
    shares = {}
    at = np.digitize(rows["pt"] * GEV, PT_EDGES) - 1
    for index, name in enumerate(BACKGROUNDS):
        own = flavour == index
        shares[name] = {"rows": int(own.sum()), "benchmark": _share(own, rows["benchmarkWeight"].astype(float)),
                        "cross_section": _share(own, rows["mcEventWeight"]),
                        "bins": [_share(own[at == k], rows["mcEventWeight"][at == k]) if (at == k).any() else 0.0
                                 for k in range(len(PT_EDGES) - 1)]}
    return shares


def _track_jets(rows: np.ndarray) -> dict:
    """Return, for both track jets of all rows together, numbers by true flavour and what single inputs reject."""
    label = np.concatenate([rows[f"vr{i}_truth_label"] for i in (1, 2)])
    found = {"numbers": {name: int((label == k).sum()) for k, name in FLAVOURS.items()}, "rejection": {}}
    found["vertex"] = {name: float(np.concatenate([rows[f"vr{i}_has_sv"] for i in (1, 2)])[label == k].mean())
                       for k, name in FLAVOURS.items()}
    for name in ("ip3d_bu", "sv1_sig3d", "jf_sig3d"):
        values = np.concatenate([rows[f"vr{i}_{name}"] for i in (1, 2)])
        cut = np.quantile(values[label == 5], 1.0 - EFFICIENCY)
        passed = {flavour: float((values[label == k] >= cut).mean()) for k, flavour in FLAVOURS.items() if k != 5}
        found["rejection"][name] = {flavour: 1.0 / rate if rate else 0.0 for flavour, rate in passed.items()}
    return found


def texts(facts: dict) -> dict[str, str]:
    """Return the facts as they stand in the pages."""
    hbb, qcd, made = facts["classes"]["hbb"], facts["classes"]["qcd"], facts["made"]
    status = "frozen" if facts["status"] == "frozen" else "a candidate: its rows may still change"
    return {
        "release": facts["release"], "status": status, "short": facts["dataset_hash"][:12], "date": made["date"],
        "commit": made["commit"], "command": made["command"], "rows": f"{facts['rows']:,}",
        "megabytes": f"{facts['bytes'] / 1e6:.0f}",
        "engine": facts["engine"], "engine_version": facts["engine_version"], "dataset_version": facts["dataset_version"],
        "seed": str(facts["seed"]), "columns": str(facts["columns"]), "inputs": str(facts["inputs"]),
        "others": str(facts["columns"] - facts["inputs"]), "not_finite": str(facts["not_finite"]),
        "qcd_sharing": f"{qcd['rows_sharing']:.0%}", "hbb_sharing": f"{hbb['rows_sharing']:.1%}",
        "most_rows": str(qcd["most_rows"]),
        "hbb_mode": f"{hbb['mass_mode']:.0f}", "hbb_two_b": f"{hbb['two_b']:.0%}", "hbb_window": f"{hbb['in_window']:.0%}",
        "qcd_window": f"{qcd['in_window']:.0%}", "efficiency": f"{EFFICIENCY:.0%}",
        "bb": f"{facts['qcd_flavours']['bb']['benchmark']:.1%}", "light": f"{facts['qcd_flavours']['light']['benchmark']:.0%}",
        "table_rows": _table_rows(facts), "table_spectrum": _table_spectrum(facts), "table_flavours": _table_flavours(facts),
        "table_quantiles": _table_quantiles(facts), "table_track_jets": _table_track_jets(facts)}


def _table(head: list[str], lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] + ["---:"] * (len(head) - 1), *lines])


def _table_rows(facts: dict) -> str:
    lines = [[name, *(f"{c['splits'][split]:,}" for split in RESIDUES), f"{c['events']:,}", f"{c['tried']:,}",
              f"{c['cross_section']:.4g}", f"{c['effective']:,.0f}"] for name, c in facts["classes"].items()]
    return _table(["class", *(f"rows, {split}" for split in RESIDUES), "events with a row", "events tried", "cross-section [pb]",
                   "effective rows"], lines)


def _bins() -> list[str]:
    return [f"{low}-{high}" for low, high in pairwise(PT_EDGES)]


def _table_spectrum(facts: dict) -> str:
    lines = [[bin_, *(f"{v:.3g} ± {e / max(v, 1e-300):.1%}" for v, e in (c["spectrum"][k] for c in facts["classes"].values()))]
             for k, bin_ in enumerate(_bins())]
    return _table(["pT [GeV]", *(f"{name} jets [pb]" for name in facts["classes"])], lines)


def _table_flavours(facts: dict) -> str:
    lines = [[name, f"{f['rows']:,}", *(f"{share:.2%}" for share in (f["benchmark"], f["cross_section"], *f["bins"]))]
             for name, f in facts["qcd_flavours"].items()]
    return _table(["the two track jets hold", "rows", "by benchmark weight", "by cross-section", *_bins()], lines)


def _table_quantiles(facts: dict) -> str:
    units = {f.name: f.unit for f in schema.JET_FIELDS}
    lines = []
    for name in COLUMNS:
        scale, unit = (GEV, "GeV") if units[name] == "MeV" else (1.0, units[name])
        cells = [f"{q[1] * scale:.3g} ({q[0] * scale:.3g} to {q[2] * scale:.3g})"
                 for q in (c["quantiles"][name] for c in facts["classes"].values())]
        lines.append([f"`{name}`" + (f" [{unit}]" if unit else ""), *cells])
    return _table(["column", *facts["classes"]], lines)


def _table_track_jets(facts: dict) -> str:
    jets = facts["track_jets"]
    lines = [["track jets", *(f"{n:,}" for n in jets["numbers"].values())],
             ["share with an SV1 vertex", *(f"{share:.1%}" for share in jets["vertex"].values())]]
    lines += [[f"rejection by `{name}` alone", "", f"{r['c']:.2f}", f"{r['light']:.1f}"]
              for name, r in jets["rejection"].items()]
    return _table(["", *jets["numbers"]], lines)
