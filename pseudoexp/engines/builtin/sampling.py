"""The hard process of an event, drawn with a bias in pT-hat and an exact weight.

Proposals come from the shipped tables: channel and pT-hat from (pT-hat / 250 GeV)^bias times the tabulated spectrum, then a cell
of the unit square, then a point in it; they are accepted with the ratio of the cross-section to its bound there, and drawn
again otherwise. Accepted events therefore follow the cross-section times the bias whatever the tables' granularity, and

    weight = I (250 GeV / pT-hat)^bias,   I = integral of (pT-hat / 250 GeV)^bias dsigma,

averages to the cross-section above `pthat_min` (for the signal with the branching ratio of H -> b bbar). Usage::

    hard = hard_process(SIGNAL, pthat_min=150.0, pt_bias=4.0)         # once, in Python; SIGNAL or QCD of core.rng
    work = hard_workspace()
    throw_from(dice, stream, HARD_PROCESS, 0)                         # per event, in a kernel
    forget_partons(partons, systems)
    weight, pthat = sample_hard_process(partons, systems, dice, hard, work)   # [pb], [GeV]; weight -1 if a list is full

It fills rows 0 and 1 of the partons (incoming along +z and -z), rows 2 and 3 (outgoing; the Higgs boson and the b for the
signal), and system 0 with x, origins `SEA` and mu_F as the scale of the showers.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.engines.builtin.coupling import Coupling, strong_coupling
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.hard_cross_section import (
    BOTTOM,
    CHARM,
    HIGGS_B,
    LIGHT,
    Point,
    cross_section,
    masses,
    point,
)
from pseudoexp.engines.builtin.hard_tables import (
    ALPHA_S,
    CELLS,
    STEPS,
    HardTables,
    hard_tables,
)
from pseudoexp.engines.builtin.matrix_elements import Scattering, choose_heavy, choose_higgs, choose_light, new_scattering
from pseudoexp.engines.builtin.parton_density import Densities, densities
from pseudoexp.engines.builtin.partons import Partons, Systems
from pseudoexp.engines.builtin.scatter import append_scattering
from pseudoexp.engines.settings import EngineSettings, physics_process
from pseudoexp.errors import ConfigError

_CHANNELS = {SIGNAL: (HIGGS_B,), QCD: (LIGHT, CHARM, BOTTOM)}
_TWO_PI = 6.283185307179586
_LOG_REFERENCE = 5.521460917862246  # of settings.PT_BIAS_REFERENCE
_MOST_TRIALS = 10_000


class HardProcess(NamedTuple):
    """A process, a threshold and a bias, ready to be drawn from; one segment for every step in ln pT of every channel."""

    densities: Densities
    coupling: Coupling
    channel: NDArray[np.int64]  # (segments,)
    bin_of_pt: NDArray[np.int64]  # (segments,)
    low: NDArray[np.float64]  # (segments,) ln pT
    width: NDArray[np.float64]  # (segments,)
    spectrum: NDArray[np.float64]  # (segments, 2) ln of dsigma / dln pT [pb] at `low`, and its slope
    cumulative: NDArray[np.float64]  # (segments,) chance of a proposal up to and with the segment
    bound: NDArray[np.float64]  # (CHANNELS, BINS, CELLS * CELLS)
    cells: NDArray[np.float64]  # (CHANNELS, BINS, CELLS * CELLS) chance of a proposal up to and with the cell
    bias: float
    integral: float  # pb, of the biased cross-section
    cross_section: float  # pb


class HardWorkspace(NamedTuple):
    """What `sample_hard_process` works in."""

    scattering: Scattering
    counts: NDArray[np.int64]  # (2,) proposals; proposals above their bound, since the workspace was made


def hard_workspace() -> HardWorkspace:
    """Return a workspace."""
    return HardWorkspace(new_scattering(), np.zeros(2, np.int64))


@kernel
def _segment_integrals(low: NDArray[np.float64], width: NDArray[np.float64], spectrum: NDArray[np.float64], bias: float
                       ) -> NDArray[np.float64]:
    """Return the integral of the spectrum times the bias over each segment [pb]."""
    integrals = np.empty(len(low))
    for i in range(len(low)):
        rise = (spectrum[i, 1] + bias) * width[i]
        mean = (exp(rise) - 1.0) / rise if abs(rise) > 1e-6 else 1.0 + 0.5 * rise
        integrals[i] = width[i] * mean * exp(spectrum[i, 0] + bias * (low[i] - _LOG_REFERENCE))
    return integrals


def _segments(tables: HardTables, channels: tuple[int, ...], pthat_min: float
              ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return channel, bin, low edge, width and spectrum of all segments above a threshold, which cuts the first."""
    nodes, threshold = tables.log_pt, max(_log(pthat_min), tables.log_pt[0])
    first = int(np.searchsorted(nodes, threshold, side="right")) - 1
    index = np.arange(first, len(nodes) - 1)
    low = np.maximum(nodes[index], threshold)
    spectra = []
    for channel in channels:
        slope = (tables.spectrum[channel, index + 1] - tables.spectrum[channel, index]) / (nodes[index + 1] - nodes[index])
        spectra.append(np.stack([tables.spectrum[channel, index] + slope * (low - nodes[index]), slope], axis=1))
    n = len(channels)
    return (np.repeat(np.array(channels, np.int64), len(index)), np.tile(index // STEPS, n), np.tile(low, n),
            np.tile(nodes[index + 1] - low, n), np.concatenate(spectra))


@kernel
def _log(x: float) -> float:
    """Return ln x, the same on every machine."""
    return log(x)


@lru_cache(maxsize=16)
def hard_process(process: int, pthat_min: float = 150.0, pt_bias: float = 4.0) -> HardProcess:
    """Return the tables of a process.

    Parameters
    ----------
    process : int
        `SIGNAL` or `QCD` of `core.processes`, or one of these plus `CALIBRATION`.
    pthat_min : float
        Threshold [GeV].
    pt_bias : float
        Power of pT-hat by which high ones are drawn more often.

    Returns
    -------
    HardProcess
        Tables for `sample_hard_process`; `cross_section` [pb] is that above the threshold.

    Raises
    ------
    ConfigError
        If the process has no hard scattering, or the threshold or bias is out of range.
    """
    settings, physics = EngineSettings(pthat_min, pt_bias), physics_process(process)
    if physics not in _CHANNELS:
        raise ConfigError(f"process {process}: has no hard scattering; {SIGNAL} (signal) and {QCD} (QCD) have")
    tables = hard_tables()
    channel, bin_of_pt, low, width, spectrum = _segments(tables, _CHANNELS[physics], settings.pthat_min)
    biased = _segment_integrals(low, width, spectrum, settings.pt_bias)
    proposals = np.cumsum(biased * tables.bound.mean(axis=2)[channel, bin_of_pt])
    cells = np.cumsum(tables.bound, axis=2)
    return HardProcess(
        densities(), strong_coupling(ALPHA_S), channel, bin_of_pt, low, width, spectrum, proposals / proposals[-1],
        tables.bound, cells / cells[:, :, -1:], settings.pt_bias, float(np.cumsum(biased)[-1]),
        float(np.cumsum(_segment_integrals(low, width, spectrum, 0.0))[-1]))


@inline
def _find(cumulative: NDArray[np.float64], r: float) -> int:
    """Return the first index whose cumulative chance is at least r."""
    low, high = 0, len(cumulative) - 1
    while low < high:
        middle = (low + high) // 2
        if cumulative[middle] < r:
            low = middle + 1
        else:
            high = middle
    return low


@inline
def _choose(scattering: Scattering, channel: int, at: Point, dice: Dice) -> bool:
    """Choose flavours and colours at an accepted point; return whether 3 goes backward."""
    m3, m4 = masses(channel)
    if channel == LIGHT:
        return choose_light(scattering, at.s, at.t, at.u, dice)
    if channel == HIGGS_B:
        return choose_higgs(scattering, at.s, at.t, at.u, m3 * m3, m4 * m4, dice)
    return choose_heavy(scattering, 4 if channel == CHARM else 5, at.t, at.u, m3, dice)


@kernel
def sample_hard_process(partons: Partons, systems: Systems, dice: Dice, hard: HardProcess, work: HardWorkspace
                        ) -> tuple[float, float]:
    """Draw the hard process into empty lists.

    Parameters
    ----------
    partons, systems : Partons, Systems
        Empty.
    dice : Dice
        Placed at `HARD_PROCESS`.
    hard : HardProcess
        From `hard_process`.
    work : HardWorkspace
        From `hard_workspace`.

    Returns
    -------
    tuple[float, float]
        Weight [pb], -1 if a list is full, and pT-hat [GeV].
    """
    for _ in range(_MOST_TRIALS):
        k = _find(hard.cumulative, throw(dice))
        channel, bin_of_pt = hard.channel[k], hard.bin_of_pt[k]
        rise = (hard.spectrum[k, 1] + hard.bias) * hard.width[k]
        r = throw(dice)
        step = hard.width[k] * (log(1.0 + r * (exp(rise) - 1.0)) / rise if abs(rise) > 1e-6 else r)
        log_pt = hard.low[k] + step
        pt = exp(log_pt)
        cell = _find(hard.cells[channel, bin_of_pt], throw(dice))
        at = point(channel, pt, (cell // CELLS + throw(dice)) / CELLS, (cell % CELLS + throw(dice)) / CELLS, throw(dice) < 0.5)
        density = cross_section(hard.densities, hard.coupling, work.scattering, channel, at)
        ratio = density * exp(-hard.spectrum[k, 0] - hard.spectrum[k, 1] * step) / hard.bound[channel, bin_of_pt, cell]
        work.counts[0] += 1
        if ratio > 1.0:
            work.counts[1] += 1
        if throw(dice) < ratio:
            backward = _choose(work.scattering, channel, at, dice)
            if append_scattering(partons, systems, work.scattering, at.x1, at.x2, -at.cos_theta if backward else at.cos_theta,
                                 _TWO_PI * throw(dice), math.sqrt(at.scale2)) < 0:
                return -1.0, pt
            partons.from_higgs[2] = channel == HIGGS_B
            return hard.integral * exp(hard.bias * (_LOG_REFERENCE - log_pt)), pt
    return -1.0, 0.0
