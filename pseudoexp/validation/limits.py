"""Limits: which figures of a comparison may be how large. A TOML file decides, and with it the exit code.

A table per scope: `rows` (two files), `reference` (particle level against the shipped histograms), `particles` (particle level
against fresh events). A figure that no limit names is shown and not judged. A limit on a mean, a spread, a fraction
or an area counts as broken only beyond `sigmas` standard errors, one on a total-variation distance beyond `sigmas`
times what it fluctuates, so that a small sample does not fail by chance.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from pseudoexp.core.files import read_text
from pseudoexp.errors import ConfigError

SCOPES = ("rows", "reference", "particles")
FIGURES = {
    "mean": "relative difference of means (of the spread, where values have both signs)",
    "spread": "relative difference of standard deviations",
    "cross_section": "relative difference of the cross-section",
    "fraction": "relative difference of the shares of 0, 1 and 2 or more heavy hadrons",
    "total_variation": "total-variation distance beyond statistics",
    "wasserstein": "Wasserstein distance in units of the spread",
    "p_value": "smallest chi^2 p-value",
    "correlation": "largest difference of two rank correlations",
    "auc": "area under the curve of the two-sample test",
}
"""What a limit can be set on."""
DEFAULT_SIGMAS = 2.0
DEFAULT_EXPECTED = 0.03


@dataclass(frozen=True)
class Limits:
    """Limits on the figures.

    Attributes
    ----------
    values : mapping
        Scope to figure to limit.
    sigmas : float
        Standard errors by which a figure has to be beyond its limit.
    expected_below : float
        Total-variation distances are judged only where statistics alone give less than this.
    """

    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sigmas: float = DEFAULT_SIGMAS
    expected_below: float = DEFAULT_EXPECTED

    def of(self, scope: str, figure: str) -> float | None:
        """Return a limit, None without."""
        return self.values.get(scope, {}).get(figure)


def load_limits(path: str | Path | None = None) -> Limits:
    """Read a limits file, by default the one that ships with the package.

    Raises
    ------
    ConfigError
        If it cannot be read, or names what there is not.
    """
    name = "the default limits" if path is None else str(path)
    text = (resources.files(__package__) / "limits.toml").read_text() if path is None else read_text(Path(path))
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not TOML ({str(error)[:200]})") from None
    return _checked(content, name)


def _checked(content: dict[str, Any], name: str) -> Limits:
    margins = {"sigmas": DEFAULT_SIGMAS, "expected_below": DEFAULT_EXPECTED}
    for key in margins.keys() & content.keys():
        margins[key] = _number(content.pop(key), f"{name}: {key}")
    for scope, table in content.items():
        if scope not in SCOPES or not isinstance(table, dict):
            raise ConfigError(f"{name}: {scope!r} is not known; allowed: tables {', '.join(SCOPES)}, "
                              f"numbers {', '.join(margins)}")
        for figure, value in table.items():
            if figure not in FIGURES:
                raise ConfigError(f"{name}: [{scope}] has no figure {figure!r}; allowed: {', '.join(FIGURES)}")
            table[figure] = _number(value, f"{name}: [{scope}] {figure}")
    return Limits(content, **margins)


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < float("inf"):
        raise ConfigError(f"{what} = {value!r}; allowed: a number from 0")
    return float(value)


@dataclass(frozen=True)
class Breach:
    """A figure beyond its limit."""

    scope: str
    sample: str
    observable: str
    figure: str
    value: float
    error: float
    limit: float

    def line(self) -> str:
        """Return a line for the user."""
        margin = f" +- {self.error:.3g}" if self.error > 0.0 else ""
        return f"{self.sample}, {self.observable}: {self.figure} {self.value:.3g}{margin}, limit {self.limit:g}"
