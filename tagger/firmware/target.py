"""What firmware is written for: part, clock, and how much of it works at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pseudoexp.errors import ConfigError

NS_PER_LEVEL = 1.0
"""Time of one addition and its routing on the target [ns], assumed where no --latency-cutoff is given."""
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_CLOCK = re.compile(r"([0-9.eE+-]+)\s*(ns|mhz)?", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """What the project is written for.

    Attributes
    ----------
    part : str
        FPGA.
    clock_ns : float
        Clock period [ns].
    reuse : int
        hls4ml: times each multiplier is used per row; 1 is fully parallel.
    latency_cutoff : float or None
        Verilog: additions one after the other within a clock; 0 for logic without a clock. By default as many as
        `NS_PER_LEVEL` allows.
    efficiency : float
        Signal efficiency, on the rows of the check, at which the decision cuts.
    """

    part: str = "xcvu13p-flga2577-2-e"
    clock_ns: float = 5.0
    reuse: int = 1
    latency_cutoff: float | None = None
    efficiency: float = 0.5

    def __post_init__(self) -> None:
        """Check the values; `ConfigError` names the first that is wrong."""
        if not _PART.fullmatch(self.part):
            raise ConfigError(f"part {self.part!r}; allowed: a device name such as xcvu13p-flga2577-2-e")
        if not 0.1 <= self.clock_ns <= 1000.0:
            raise ConfigError(f"clock {self.clock_ns!r}; allowed: a period of 0.1 to 1000 ns")
        if isinstance(self.reuse, bool) or not isinstance(self.reuse, int) or not 1 <= self.reuse <= 10_000:
            raise ConfigError(f"reuse {self.reuse!r}; allowed: a whole number from 1 to 10000")
        cutoff = self.latency_cutoff
        if cutoff is not None and cutoff != 0.0 and not 1.0 <= cutoff <= 1000.0:
            raise ConfigError(f"latency_cutoff {cutoff!r}; allowed: 0 (no clock), or 1 to 1000 additions per clock")
        if not 0.0 < self.efficiency < 1.0:
            raise ConfigError(f"efficiency {self.efficiency!r}; allowed: a share between 0 and 1")

    @property
    def levels(self) -> float:
        """Additions one after the other within a clock; 0 for logic without a clock."""
        if self.latency_cutoff is None:
            return float(max(1, int(self.clock_ns / NS_PER_LEVEL + 1e-9)))
        return self.latency_cutoff


def period(text: str) -> float:
    """Return the period [ns] that a text says: '5', '5ns' or '200MHz'.

    Raises
    ------
    ConfigError
        If it says none.
    """
    match = _CLOCK.fullmatch(text.strip())
    try:
        value = float(match[1]) if match else 0.0
    except ValueError:
        value = 0.0
    if not value > 0.0:
        raise ConfigError(f"clock {text!r}; allowed: a period or a frequency such as 5ns or 200MHz")
    return 1e3 / value if match and (match[2] or "").lower() == "mhz" else value
