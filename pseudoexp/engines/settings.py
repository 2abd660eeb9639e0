"""What an engine needs to know besides seed, process and event numbers, and its translation for Pythia8."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.errors import ConfigError

PT_BIAS_REFERENCE = 250.0
"""pT-hat [GeV] at which a biased sample has weight 1 (before the normalisation)."""

PTHAT_RANGE = (10.0, 5000.0)
PT_BIAS_RANGE = (0.0, 8.0)

_PROCESS_LINES = {
    SIGNAL: ("HiggsSM:qg2Hq = on", "25:m0 = 125", "25:onMode = off", "25:onIfMatch = 5 -5"),
    QCD: ("HardQCD:all = on",),
    MINIMUM_BIAS: ("SoftQCD:inelastic = on",),
}
_RESERVED = ("random:", "print:", "main:", "beams:", "phasespace:", "hardqcd:", "softqcd:", "higgssm:", "25:",
             "partonlevel:all", "hadronlevel:all", "particledecays:limittau0", "particledecays:tau0max")


@dataclass(frozen=True)
class EngineSettings:
    """What changes the events besides seed and process.

    Attributes
    ----------
    pthat_min : float
        Lowest transverse momentum of the hard scattering [GeV]; minimum-bias events ignore it.
    pt_bias : float
        Power b of the sampling bias (pT-hat / 250 GeV)**b, which the weight undoes; 0 samples without bias.
    tune : tuple of str
        Further Pythia settings such as ``"Tune:pp = 18"``, applied last.
    hepmc_signal, hepmc_qcd : str
        Files of the engine that reads HepMC.

    Raises
    ------
    ConfigError
        A value out of range, or a tune line that would change the process, the beams or the random numbers.
    """

    pthat_min: float = 150.0
    pt_bias: float = 4.0
    tune: tuple[str, ...] = ()
    hepmc_signal: str = ""
    hepmc_qcd: str = ""

    def __post_init__(self) -> None:
        _check_number("pthat_min", self.pthat_min, PTHAT_RANGE)
        _check_number("pt_bias", self.pt_bias, PT_BIAS_RANGE)
        object.__setattr__(self, "pthat_min", float(self.pthat_min))
        object.__setattr__(self, "pt_bias", float(self.pt_bias))
        for line in self.tune:
            _check_tune_line(line)


def _check_number(name: str, value: object, allowed: tuple[float, float]) -> None:
    low, high = allowed
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and low <= value <= high):  # type: ignore[arg-type, operator]
        raise ConfigError(f"{name} = {value!r}: a number from {low:g} to {high:g} is allowed")


def _check_tune_line(line: str) -> None:
    key, equals, value = line.partition("=")
    if not (equals and key.strip() and value.strip()):
        raise ConfigError(f"tune line {line!r}: 'Name:key = value' is allowed")
    if key.strip().lower().startswith(_RESERVED):
        raise ConfigError(f"tune line {line!r}: a tune may not change process, beams, random numbers or output")


def require_events(seed: int, first_event: int, n: int) -> None:
    """Raise `ConfigError` unless there are events of these numbers: 0 <= seed < 2**63, 0 <= first_event < 2**48, n > 0."""
    if not (0 <= seed < 2**63 and 0 <= first_event < 2**48 and n > 0):
        raise ConfigError(f"seed {seed}, first event {first_event}, {n} events: 0 <= seed < 2**63, "
                          "0 <= first event < 2**48 and at least one event are allowed")


def physics_process(process: int) -> int:
    """Return the process without the calibration offset; `ConfigError` for an unknown one."""
    physics = process % CALIBRATION
    if not 0 <= process < 2 * CALIBRATION or physics not in _PROCESS_LINES:
        raise ConfigError(f"process {process}: {', '.join(map(str, _PROCESS_LINES))} are allowed, "
                          f"plus {CALIBRATION} for calibration")
    return physics


def pythia_lines(process: int, settings: EngineSettings) -> tuple[str, ...]:
    """Return Pythia's settings for a process in the order they are applied."""
    physics = physics_process(process)
    lines = ["Beams:eCM = 14000", *_PROCESS_LINES[physics], "ParticleDecays:limitTau0 = on",
             "ParticleDecays:tau0Max = 10"]
    if physics != MINIMUM_BIAS:
        lines.append(f"PhaseSpace:pTHatMin = {settings.pthat_min!r}")
        if settings.pt_bias != 0.0:
            lines += ["PhaseSpace:bias2Selection = on", f"PhaseSpace:bias2SelectionPow = {settings.pt_bias!r}",
                      f"PhaseSpace:bias2SelectionRef = {PT_BIAS_REFERENCE!r}"]
    return (*lines, *settings.tune)
