"""The history of one event of the built-in engine: the lists of partons and hadrons after every stage, and all branchings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.discs import new_discs
from pseudoexp.core.packed import unpacked
from pseudoexp.core.record import EventBatch
from pseudoexp.core.species import HIGGS
from pseudoexp.engines.builtin import chunk, event, hadronisation, showers
from pseudoexp.engines.builtin.dice import STRING
from pseudoexp.engines.builtin.hadrons import Hadrons
from pseudoexp.engines.builtin.partons import Partons, Systems
from pseudoexp.engines.builtin.prospects import THRESHOLD, WHOLE, can_give_row
from pseudoexp.engines.builtin.strings import Strings
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.replaying.watch import Arguments, Watch, watching

HIGGS_SYSTEM = -1
"""What stands for the system in the shower of the Higgs boson's quarks."""


@dataclass(frozen=True)
class Branching:
    """One branching of a shower.

    Attributes
    ----------
    initial : bool
        Whether an incoming parton found its mother; else a final parton split.
    system : int
        The scattering; `HIGGS_SYSTEM` in the decay of the Higgs boson.
    pt : float
        Evolution scale [GeV].
    row : int
        What branched: the final parton, or the incoming daughter.
    recoiler : int
        Row of the parton that took the recoil; -1: the whole final state.
    made : tuple of int
        Rows of the two new partons: in the final state radiator and emitted, else the mother that enters now and
        the sister.
    pdg_id : tuple of int
        Of what branched and of the two.
    p4 : array (2, 4)
        Their momenta right after the branching [GeV].
    before : array (4,)
        Momentum of what branched, before [GeV].
    """

    initial: bool
    system: int
    pt: float
    row: int
    recoiler: int
    made: tuple[int, int]
    pdg_id: tuple[int, int, int]
    p4: NDArray[np.float64]
    before: NDArray[np.float64]


@dataclass
class History:
    """What happened, stage by stage; lists are cut to what they hold.

    Attributes
    ----------
    attempts : int
        Attempts at the stages behind the hard process; the last one is told.
    partons, systems, hadrons : dict
        Lists by the name of the stage that just ended.
    branchings : list of Branching
        All, in their order.
    kicks : array (2, systems, 2)
        Transverse momenta [GeV] of the partons taken from either proton.
    strings : Strings or None
        As traced and joined.
    first_hadron : list of (string, row)
        Where the hadrons of each string begin in the list, in the order in which they were made.
    weight, pthat : float
        Weight [pb] and pT-hat [GeV].
    ratios : array (variations,)
        Weights for other parameters over the event's own, in the order of `variations.NAMES`.
    can_give_row : bool
        What `prospects.can_give_row` says, without which the event has no row in a file.
    """

    attempts: int = 0
    partons: dict[str, Partons] = field(default_factory=dict)
    systems: dict[str, Systems] = field(default_factory=dict)
    hadrons: dict[str, Hadrons] = field(default_factory=dict)
    branchings: list[Branching] = field(default_factory=list)
    kicks: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 0, 2)))
    strings: Strings | None = None
    first_hadron: list[tuple[int, int]] = field(default_factory=list)
    weight: float = 0.0
    pthat: float = 0.0
    ratios: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    can_give_row: bool = True


class _Observer:
    """Takes down one event; `asked` as in `prospects`."""

    def __init__(self, asked: int) -> None:
        self.history = History()
        self._asked, self._can_give_row = asked, True
        self._hadrons: Hadrons | None = None

    def watches(self) -> list[Watch]:
        """Return what to watch."""
        stages = {"collide": "mpi", "decay_higgs": "higgs", "give_momenta": "remnants", "reconnect": "reconnected",
                  "connect_colours": "connected"}
        return [
            Watch(event, "attempt_event", before=self._attempt),
            Watch(event, "sample_hard_process", self._drawn),
            *(Watch(event, name, self._keeper(stage)) for name, stage in stages.items()),
            Watch(showers, "branch", self._branched, self._branches),
            Watch(showers, "branch_space", self._branched, self._branches),
            Watch(event, "hadronise", self._hadronised, self._hadronises),
            Watch(hadronisation, "throw_from", self._string_begins),
            Watch(event, "decay_all", lambda got, result, note: self._keep_hadrons("decayed", got["hadrons"])),
        ]

    def _attempt(self, got: Arguments) -> None:
        self.history = History(attempts=int(got["attempt"]) + 1)

    def _drawn(self, got: Arguments, result: Any, note: Any) -> None:
        self.history.weight, self.history.pthat = float(result[0]), float(result[1])
        self._keep("hard", got["partons"], got["systems"])

    def _keeper(self, stage: str) -> Any:
        def keep(got: Arguments, result: Any, note: Any) -> None:
            self._keep(stage, got["partons"], got["systems"])
            if stage == "remnants":
                self.history.kicks = got["ws"].incoming_kt[:, :got["systems"].filled[0]].copy()
                if result and self._asked != WHOLE:
                    self._judge(got["partons"])

        return keep

    def _judge(self, partons: Partons) -> None:
        """Judge the partons as production does; what another attempt gives does not count then."""
        rows = np.flatnonzero(partons.pdg_id[:partons.filled[0]] == HIGGS)
        higgs = partons.p4[rows[-1]] if len(rows) > 0 else np.zeros(4)
        self._can_give_row &= bool(can_give_row(partons, higgs, self._asked, THRESHOLD, new_discs()))

    def _keep(self, stage: str, partons: Partons, systems: Systems) -> None:
        self.history.partons[stage] = _cut(unpacked(partons, Partons), partons.filled[0])
        self.history.systems[stage] = _cut(unpacked(systems, Systems), systems.filled[0])

    def _keep_hadrons(self, stage: str, hadrons: Hadrons) -> None:
        self.history.hadrons[stage] = _cut(unpacked(hadrons, Hadrons), hadrons.filled[0])

    def _branches(self, got: Arguments) -> tuple[int, int, float, int, NDArray[np.float64]]:
        work, partons = got["work"], got["partons"]
        if "side" in got:
            row, recoiler, pt2 = got["systems"].incoming[got["system"], got["side"]], -1, work.space[got["side"]].trial
        else:
            end = work.ends[got["k"]]
            row, recoiler, pt2 = end.radiator, end.recoiler, got["pt2"]
        return int(row), int(recoiler), float(pt2), int(partons.filled[0]), partons.p4[row].copy()

    def _branched(self, got: Arguments, result: Any, note: Any) -> None:
        row, recoiler, pt2, first, before = note
        partons = got["partons"]
        if partons.filled[0] < first + 2:
            return  # the lists are full: the event is made again with longer ones
        ids = tuple(int(partons.pdg_id[k]) for k in (row, first, first + 1))
        self.history.branchings.append(Branching(
            "side" in got, int(got["system"]), pt2**0.5, row, recoiler, (first, first + 1), (ids[0], ids[1], ids[2]),
            partons.p4[first:first + 2].copy(), before))

    def _string_begins(self, got: Arguments, result: Any, note: Any) -> None:
        if got["stage"] == STRING and self._hadrons is not None:
            self.history.first_hadron.append((int(got["item"]), int(self._hadrons.filled[0])))

    def _hadronises(self, got: Arguments) -> None:
        self._hadrons = got["hadrons"]

    def _hadronised(self, got: Arguments, result: Any, note: Any) -> None:
        self._keep_hadrons("primary", got["hadrons"])
        self.history.strings = _copied(unpacked(got["work"].strings, Strings))
        self.history.can_give_row = self._can_give_row


def _cut(lists: Any, n: int) -> Any:
    """Return copies of the first n rows of a named tuple of lists."""
    return type(lists)(*(a.copy() if name == "filled" else a[:n].copy() for name, a in lists._asdict().items()))


def _copied(lists: Any) -> Any:
    return type(lists)(*(a.copy() for a in lists))


def follow(process: int, seed: int, number: int, settings: EngineSettings, asked: int) -> tuple[EventBatch, History]:
    """Make one event, whole, and return it with its history; kernels have to run as plain Python."""
    observer = _Observer(asked)
    watches = observer.watches()
    with watching(watches):
        batch, ratios = chunk.generate_varied(process, seed, number, 1, settings)
    observer.history.ratios = ratios[0]
    return batch, observer.history
