"""The leaderboard as Markdown, from the stored results, between markers in the pages that show it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pseudoexp.benchmark.figures import EFFICIENCIES
from pseudoexp.benchmark.protocol import HEADLINE
from pseudoexp.benchmark.registry import release
from pseudoexp.benchmark.results import outdated, read_results
from pseudoexp.core.files import read_text, whole_file
from pseudoexp.errors import ConfigError

EMPTY = "No results are stored yet."
_SHORT = (0.5, 0.6, 0.7)
_BLOCK = re.compile(r"(<!-- leaderboard: (short|full) -->\n).*?(<!-- /leaderboard -->)", re.DOTALL)


def table(results: Sequence[Mapping[str, Any]], full: bool = True) -> str:
    """Return the results as Markdown, a table per release.

    Parameters
    ----------
    results : sequence
        What `read_results` returns.
    full : bool, optional
        With all columns.
    """
    parts = [_of_release(list(group), full) for _, group in groupby(results, key=_sample)]
    return "\n\n".join(parts) or EMPTY


def _sample(one: Mapping[str, Any]) -> tuple[str, str]:
    return one["release"]["name"], one["release"]["dataset_hash"]


def _of_release(results: list[Mapping[str, Any]], full: bool) -> str:
    facts = results[0]["release"]
    one = release(facts["name"])
    state = "" if one.frozen else " (a candidate: its rows may still change)"
    if outdated(results[0]):
        state = " (rows of an earlier candidate)"
    head = (f"Release `{one.name}`{state}, test split, engine {facts['engine']} {facts['engine_version']}, dataset "
            f"{facts['dataset_version']}, hash `{facts['dataset_hash'][:12]}`. Median of the seeds ± its statistical error "
            "(spread between the seeds).")
    heads, rows = _full(results) if full else _short(results)
    text = "\n".join([head, "", *_lines(heads, rows, 2)])
    return text + _transfers([one for one in results if one.get("transfer")]) if full else text


def _transfers(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the same networks on other releases; nothing without."""
    others = list(dict.fromkeys(name for one in results for name in one["transfer"]))
    if not others:
        return ""
    cut = f"{100 * HEADLINE:.0f} %"
    heads = ["method", *(f"`{name}`: {what}" for name in others for what in ("AUC", f"1/ε_B at {cut}", f"through the {cut} cut"))]
    rows = [[_title(one), *(cell for name in others for cell in _elsewhere(one["transfer"].get(name)))] for one in results]
    words = (f"The same networks on the test split of other releases: at thresholds found there, and the signal that the {cut} "
             "cut of the release above lets through there.")
    return "\n".join(["", "", words, "", *_lines(heads, rows, 1)])


def _elsewhere(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return ["-"] * 3
    kept = found["at_these_thresholds"][f"{HEADLINE:g}"]["signal_efficiency"]
    return [_area(found, True), _cell(found["over_seeds"]["rejection"][f"{HEADLINE:g}"], True), f"{100 * kept:.1f} %"]


def _lines(heads: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Return the lines of a table whose first columns, so many of them, are texts."""
    return [_line(heads), _line(["---"] * texts + ["---:"] * (len(heads) - texts)), *map(_line, rows)]


def _short(results: list[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    heads = ["method", "inputs", "AUC", *(f"1/ε_B at {_percent(e)}" for e in _SHORT)]
    return heads, [[_title(one), _text(one["about"]["inputs"]), _area(one, False),
                    *(_cell(one["over_seeds"]["rejection"][f"{e:g}"], False) for e in _SHORT)] for one in results]


def _full(results: list[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    heads = ["method", "inputs", "parameters", "seeds", "AUC", *(f"1/ε_B at {_percent(e)}" for e in EFFICIENCIES),
             f"mass sculpting at {100 * HEADLINE:.0f} %"]
    return heads, [[_title(one), _text(one["about"]["inputs"]), str(one["about"]["parameters"] or "-"), str(one["seeds"]),
                    _area(one, True), *(_cell(one["over_seeds"]["rejection"][f"{e:g}"], True) for e in EFFICIENCIES),
                    _sculpting(one)] for one in results]


def _title(one: Mapping[str, Any]) -> str:
    return _text(one["about"]["title"] or one["about"]["method"])


def _text(text: str) -> str:
    return text.replace("|", "/").replace("<", "&lt;")


def _percent(efficiency: float) -> str:
    return f"{100 * efficiency:.0f} %" + (" (headline)" if efficiency == HEADLINE else "")


def _area(one: Mapping[str, Any], full: bool) -> str:
    entry = one["over_seeds"]["auc"]
    error = f" ± {entry['error']:.4f}" if full else ""
    return f"{entry['median']:.4f}{error}" + (f" ({entry['spread']:.4f})" if entry["spread"] is not None and full else "")


def _cell(entry: Mapping[str, Any], full: bool) -> str:
    """Return a rejection such as "153 ± 12 (4)"."""
    if entry["median"] is None:
        return f"> {entry['above']:.3g}"
    digits = 0 if entry["median"] >= 100 else 1
    error = "" if entry["error"] is None else f" ± {entry['error']:.{digits}f}"
    return f"{entry['median']:.{digits}f}{error}" + (
        f" ({entry['spread']:.{digits}f})" if entry["spread"] is not None and full else "")


def _sculpting(one: Mapping[str, Any]) -> str:
    entry = one["figures"]["mass_sculpting"][f"{HEADLINE:g}"]
    return "-" if entry["distance"] is None else f"{entry['distance']:.2f} (blind: {entry['noise']:.2f})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def rendered(page: str, results: Sequence[Mapping[str, Any]], where: str) -> str:
    """Return a page with the tables between its markers made anew.

    Raises
    ------
    ConfigError
        If the page has no markers.
    """
    new, count = _BLOCK.subn(lambda found: f"{found[1]}{table(results, found[2] == 'full')}\n{found[3]}", page)
    if not count:
        raise ConfigError(f"{where}: no lines <!-- leaderboard: short --> (or full) and <!-- /leaderboard -->")
    return new


def render(pages: Sequence[Path], folder: Path, write: bool = True) -> list[Path]:
    """Bring the leaderboard of pages up to date; return those that were not.

    Parameters
    ----------
    pages : sequence of Path
        Markdown files with markers.
    folder : Path
        The results.
    write : bool, optional
        Whether to write them.

    Raises
    ------
    ConfigError
        If a file cannot be read or written, has no markers, or is no result.
    """
    results = read_results(folder)
    drafts = [(page, text, rendered(text, results, str(page))) for page in pages for text in [read_text(page)]]
    stale = [(page, new) for page, old, new in drafts if old != new]
    for page, new in stale if write else []:
        try:
            with whole_file(page) as file:
                file.write(new.encode())
        except OSError as error:
            raise ConfigError(f"{page}: cannot be written ({error.strerror})") from None
    return [page for page, _ in stale]
