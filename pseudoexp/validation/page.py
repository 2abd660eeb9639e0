"""The comparison as one HTML page that needs no network and no other file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pseudoexp.errors import MissingExtra
from pseudoexp.validation.compare import Table
from pseudoexp.validation.distances import Moments

if TYPE_CHECKING:
    from pseudoexp.validation.run import Outcome

_BARS = 12


@dataclass(frozen=True)
class Row:
    """One line of a table of observables."""

    name: str
    cells: tuple[str, ...]
    broken: bool


HEADS = ("observable", "first mean", "second mean", "shift", "first spread", "second spread", "shift", "TVD beyond statistics",
         "expected", "W / spread", "p")


def rows(table: Table, broken: set[tuple[str, str]]) -> list[Row]:
    """Return the lines of a table; those in `broken` (sample, observable) are marked."""
    result = []
    for name, d in table.distances.items():
        cells = (measured(d.first), measured(d.second), percent(*d.mean_shift), f"{d.first.spread:.4g}", f"{d.second.spread:.4g}",
                 percent(*d.spread_shift), f"{d.excess:+.4f}", f"{d.expected:.4f}", f"{d.wasserstein:.3f}", f"{d.p_value:.2g}")
        result.append(Row(name, cells, (table.sample, name) in broken))
    return result


def measured(m: Moments) -> str:
    """Return a mean with its error."""
    return f"{m.mean:.4g} ± {m.mean_error:.2g}"


def percent(shift: float, error: float) -> str:
    """Return a relative difference with its error."""
    return f"{100.0 * shift:+.1f} ± {100.0 * error:.1f} %"


def render(outcome: Outcome) -> str:
    """Return the page as text.

    Raises
    ------
    MissingExtra
        Without jinja2, matplotlib or mplhep.
    """
    try:
        from pseudoexp.pages.template import page_template
        from pseudoexp.validation import plots
    except ImportError as error:
        raise MissingExtra(error.name or "matplotlib", "validation") from None
    broken = {(b.sample, b.observable) for b in outcome.breaches}
    sections = [_section(i, table, panels, outcome.labels, broken, plots) for i, (table, panels) in enumerate(outcome.tables)]
    return page_template("pseudoexp.validation", "page.html").render(outcome=outcome, sections=sections, heads=HEADS)


def _section(number: int, table: Table, panels: list[Any], labels: tuple[str, str], broken: set[tuple[str, str]],
             plots: Any) -> dict[str, Any]:
    verdict = table.verdicts.get("all")
    top = max((loss for _, loss in verdict.inputs), default=0.0) if verdict else 0.0
    ranked = verdict.inputs[:_BARS] if verdict else ()
    bars = [(name, loss, 100.0 * max(loss, 0.0) / top if top > 0.0 else 0.0) for name, loss in ranked]
    correlation = table.correlation
    return {
        "id": f"sample{number}", "table": table, "rows": rows(table, broken), "bars": bars,
        "verdicts": [(where, f"{v.auc:.4f} ± {v.error:.4f}", v.rows, ", ".join(name for name, _ in v.inputs[:4]))
                     for where, v in table.verdicts.items()],
        "fractions": [(f.hadron, f.where, f.count, _share(f.first), _share(f.second), percent(*f.shift))
                      for f in table.fractions],
        "overlays": plots.overlays(panels, labels) if panels else "",
        "correlation": plots.correlation(correlation) if correlation is not None else "",
        "largest": correlation.largest() if correlation is not None else None,
    }


def _share(share: tuple[float, float]) -> str:
    return f"{share[0]:.4f} ± {share[1]:.4f}"
