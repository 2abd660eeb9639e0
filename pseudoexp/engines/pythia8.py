"""Events from Pythia8 (C. Bierlich et al., SciPost Phys. Codeb. 8, 2022, arXiv:2203.11601) in the package's record.

A chunk of events is a function of (seed, process, number of its first event, settings): Pythia's generator
(Marsaglia, Zaman and Tsang) is put into a state hashed from these before the first event. Event i of a chunk
does not depend on how many events follow it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.record import EventBatch
from pseudoexp.core.rng import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.engines.ancestry import trace
from pseudoexp.errors import GenerationError, MissingExtra

MAX_PYTHIA_SEED = 900_000_000
PT_BIAS_REFERENCE = 250.0
EVENTS_PER_CALL = 50

PROCESS_LINES = {
    SIGNAL: ("HiggsSM:qg2Hq = on", "25:m0 = 125", "25:onMode = off", "25:onIfMatch = 5 -5"),
    QCD: ("HardQCD:all = on",),
    MINIMUM_BIAS: ("SoftQCD:inelastic = on",),
}


@dataclass(frozen=True)
class EngineSettings:
    """What changes the events besides seed and process.

    Attributes
    ----------
    pthat_min : float
        Lowest transverse momentum of the hard scattering [GeV]; ignored for minimum bias.
    pt_bias : float
        Power b of the sampling bias (pT-hat / 250 GeV)**b, undone by the weight; 0 samples without bias.
    tune : tuple of str
        Further Pythia settings such as ``"Tune:pp = 18"``, applied last.
    """

    pthat_min: float = 150.0
    pt_bias: float = 4.0
    tune: tuple[str, ...] = ()


def settings_lines(process: int, settings: EngineSettings) -> tuple[str, ...]:
    """Return Pythia's settings for a process (0-2, or plus `CALIBRATION`) in the order they are applied."""
    physics = process % CALIBRATION
    lines = ["Print:quiet = on", "Beams:eCM = 14000", *PROCESS_LINES[physics],
             "ParticleDecays:limitTau0 = on", "ParticleDecays:tau0Max = 10"]
    if physics != MINIMUM_BIAS:
        lines.append(f"PhaseSpace:pTHatMin = {settings.pthat_min!r}")
        if settings.pt_bias != 0:
            lines += ["PhaseSpace:bias2Selection = on", f"PhaseSpace:bias2SelectionPow = {settings.pt_bias!r}",
                      f"PhaseSpace:bias2SelectionRef = {PT_BIAS_REFERENCE!r}"]
    return (*lines, *settings.tune)


def _pythia_module() -> Any:
    """Return Pythia's Python module; `nextBatch` also needs awkward."""
    try:
        import awkward  # noqa: F401
    except ImportError:
        raise MissingExtra("awkward", "pythia") from None
    try:
        import pythia8mc
    except ImportError:
        raise MissingExtra("pythia8mc", "pythia") from None
    return pythia8mc


class _Generator:
    """One initialised Pythia object."""

    def __init__(self, lines: tuple[str, ...], veto_charm: bool) -> None:
        module = _pythia_module()
        self.pythia = module.Pythia("", False)
        for line in lines:
            if not self.pythia.readString(line):
                raise GenerationError(f"Pythia8 does not know the setting {line!r}")
        if veto_charm:
            self.hook = _charm_veto(module)
            self.pythia.addUserHooksPtr(self.hook)
        self.pythia.readString("Random:setSeed = on")
        self.pythia.readString("Random:seed = 19780503")
        if not self.pythia.init():
            raise GenerationError(f"Pythia8 could not start with {', '.join(lines)}")

    def seed(self, text: str) -> None:
        """Put the random generator into the state named by `text`."""
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        rndm = self.pythia.rndm
        rndm.init(1 + int.from_bytes(digest[:8], "little") % MAX_PYTHIA_SEED)
        state = rndm.getState()
        state.c = (int.from_bytes(digest[8:], "little") % 16777213) / 16777216.0
        rndm.setState(state)


def _charm_veto(module: Any) -> Any:
    """Return a hook that redraws hard processes with an incoming charm quark, before any shower."""

    class CharmVeto(module.UserHooks):  # type: ignore[misc]
        def canVetoProcessLevel(self) -> bool:
            return True

        def doVetoProcessLevel(self, process: Any) -> bool:
            return abs(process[3].id()) == 4 or abs(process[4].id()) == 4

    return CharmVeto()


@lru_cache(maxsize=8)
def _generator(process: int, settings: EngineSettings) -> _Generator:
    return _Generator(settings_lines(process, settings), veto_charm=process == SIGNAL)


class _History(NamedTuple):
    """Full event histories as flat arrays."""

    offsets: NDArray[np.int64]
    pdg_id: NDArray[np.int32]
    status: NDArray[np.int32]
    mother: NDArray[np.int32]
    daughter: NDArray[np.int32]
    p4: NDArray[np.float64]
    vertex: NDArray[np.float64]
    weight: NDArray[np.float64]
    pthat: NDArray[np.float64]


def _leaf(layout: Any) -> NDArray[Any]:
    return np.asarray(layout.data)


def _four(layout: Any) -> NDArray[np.float64]:
    return np.stack([_leaf(layout.content(k)) for k in ("px", "py", "pz", "e")], axis=1)


def _flatten(array: Any) -> _History:
    """Return Pythia's awkward array as flat arrays, without a copy where awkward allows it."""
    events = array.layout
    jagged, info = events.content("prt"), events.content("info")
    particles = jagged.content
    vertices = particles.content("vProd")
    index = np.asarray(vertices.index)
    vertex = np.zeros((index.size, 4))
    vertex[index >= 0] = _four(vertices.content)[index[index >= 0]]
    return _History(
        np.asarray(jagged.offsets), *(_leaf(particles.content(k)) for k in ("id", "status", "mother1", "daughter1")),
        _four(particles.content("p")), vertex, _leaf(info.content("weights").content),
        np.sqrt(_leaf(info.content("pT2Hat"))))


def _record(history: _History, first_event: int) -> EventBatch:
    """Return the event record of full histories."""
    n = history.pdg_id.size
    events = history.offsets.size - 1
    own, nearest = np.empty(n, np.int32), np.empty(n, np.int32)
    from_higgs, higgs_row = np.empty(n, np.bool_), np.empty(events, np.int64)
    trace(history.offsets, history.pdg_id, history.status, history.mother, own, nearest, from_higgs, higgs_row)
    final, heavy = np.flatnonzero(history.status > 0), np.flatnonzero(own >= 0)
    start = history.offsets[:-1]
    event_of_heavy = np.searchsorted(history.offsets, heavy, side="right") - 1
    higgs = np.where(higgs_row[:, None] >= 0, history.p4[start + np.maximum(higgs_row, 0)], 0.0)
    rows = start[:, None] + np.array([5, 6])
    partons = np.concatenate([history.p4[rows], history.pdg_id[rows][:, :, None]], axis=2)
    return EventBatch(
        event_number=first_event + np.arange(events, dtype=np.int64), weight=history.weight, pthat=history.pthat,
        offsets=np.searchsorted(final, history.offsets), heavy_offsets=np.searchsorted(heavy, history.offsets),
        p4=history.p4[final], vertex=history.vertex[final], pdg_id=history.pdg_id[final], heavy=nearest[final],
        heavy_p4=history.p4[heavy], heavy_pdg_id=history.pdg_id[heavy],
        heavy_vertex=history.vertex[start[event_of_heavy] + history.daughter[heavy]], heavy_parent=nearest[heavy],
        heavy_from_higgs=from_higgs[heavy], higgs=higgs, partons=partons)


def _join(parts: list[EventBatch]) -> EventBatch:
    """Return one batch of several."""
    joined = {name: np.concatenate([getattr(p, name) for p in parts]) for name in EventBatch._fields}
    for name in ("offsets", "heavy_offsets"):
        counts = np.concatenate([np.diff(getattr(p, name)) for p in parts])
        joined[name] = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return EventBatch(**joined)


def generate_chunk(process: int, seed: int, first_event: int, n: int, settings: EngineSettings) -> EventBatch:
    """Generate events `first_event` to `first_event + n - 1` of a process."""
    generator = _generator(process % CALIBRATION, settings)
    generator.seed(f"pythia8 seed {seed} process {process} event {first_event}")
    parts: list[EventBatch] = []
    done = 0
    while done < n:
        array = generator.pythia.nextBatch(min(n - done, EVENTS_PER_CALL))
        parts.append(_record(_flatten(array), first_event + done))
        done += parts[-1].event_number.size
    return _join(parts)
