"""Stages of a run of the benchmarks beside those stored: what has become faster or slower.

    make bench                                               (runs them and calls this)
    python bench/compare.py RUN.json                         (Markdown)
    python bench/compare.py RUN.json --store                 (let this run be what later ones are held against)

RUN.json is what `pytest --benchmark-json` wrote. Machines differ and are busy at times: a stage counts by its shortest time over
that of FastJet clustering 430 particles in the same run. Prints, and never fails because something is slow.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

BASELINE = Path(__file__).with_name("baseline.json")
YARDSTICK = "test_fastjet[430]"
UNITS = ("events", "jets", "rows")
"""What a benchmark may say it did in one round; the first one counts."""


def stages(run: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return microseconds per event, jet or row of each benchmark of a run, and that over the yardstick's."""
    times = {}
    for result in run["benchmarks"]:
        info = result["extra_info"]
        times[result["name"]] = 1e6 * result["stats"]["min"] / next((info[unit] for unit in UNITS if unit in info), 1)
    if YARDSTICK not in times:
        raise SystemExit(f"{YARDSTICK} is not among the benchmarks of this run")
    return {name: {"us": round(us, 3), "over_fastjet": round(us / times[YARDSTICK], 5)} for name, us in times.items()}


def about(run: dict[str, Any]) -> dict[str, str]:
    """Return where a run comes from."""
    commit, cpu = run["commit_info"], run["machine_info"]["cpu"]
    return {"date": run["datetime"][:10], "commit": commit["id"][:7] + (" and changes" if commit["dirty"] else ""),
            "machine": f"{cpu.get('brand_raw', 'unknown')}, {cpu.get('count', '?')} cores"}


def table(now: dict[str, dict[str, float]], stored: dict[str, Any]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [f"Stored: {stored['about']['date']}, {stored['about']['machine']}, {stored['about']['commit']}.", "",
             "| benchmark | us per event, jet or row | over FastJet | stored | now / stored |", "|---|---|---|---|---|"]
    for name, figures in now.items():
        before = stored["stages"].get(name)
        against = f"{before['over_fastjet']:.3f} | {figures['over_fastjet'] / before['over_fastjet']:.2f}" if before else "| "
        lines.append(f"| {name.removeprefix('test_')} | {figures['us']:.1f} | {figures['over_fastjet']:.3f} | {against} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--store", action="store_true", help=f"write {BASELINE.name}")
    options = parser.parse_args()
    run = json.loads(options.run.read_text())
    now = stages(run)
    if options.store:
        BASELINE.write_text(json.dumps({"about": about(run), "stages": now}, indent=1) + "\n")
    print("\n".join(table(now, json.loads(BASELINE.read_text()))))


if __name__ == "__main__":
    main()
