"""Which rows under two detector cards are the same jet: those of the same true jet.

A row belongs to the nearest true jet within dR < 0.75 that no row of the same card and higher pT has taken.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.chain import rows_of_batch
from pseudoexp.core.jit import kernel
from pseudoexp.core.record import EventBatch, event
from pseudoexp.dataset import schema
from pseudoexp.errors import GenerationError
from pseudoexp.jets.candidates import JetsWorkspace, jets_workspace
from pseudoexp.jets.truth import truth_jets
from pseudoexp.production.chunk import OTHER, ChunkRows, pack
from pseudoexp.production.run_config import RunConfig

MAX_DR = 0.75
MOST_JETS = 64
_PT, _ETA, _EVENT, _LABEL = (schema.row(name) for name in ("pt", "eta", "eventNumber", "flavour_label"))
_TRUTH = ("truthJetPt", "truthJetEta", "truthJetPhi", "truthJetMass")


class TrueJets(NamedTuple):
    """The true jets of a batch; event i (of number `first` + i) has the first `jets[i]` of `values[i]`."""

    first: int
    jets: NDArray[np.int64]  # (events,) how many
    values: NDArray[np.float64]  # (events, MOST_JETS, 4) pT, eta, phi, mass [GeV]


class OneCard(NamedTuple):
    """The rows of a chunk under one card, in event order."""

    jets: NDArray[np.void]  # (rows,) of `schema.JET_DTYPE`
    event: NDArray[np.int64]  # (rows,) row of the event in its batch
    truth: NDArray[np.int64]  # (rows,) number of the true jet within its event, -1 without


class Pairs(NamedTuple):
    """Rows of the same jets under both cards, compound rows (n,) of `schema.PAIR_DTYPE`."""

    nominal: NDArray[np.void]
    shifted: NDArray[np.void]


@kernel
def _fill_true_jets(batch: EventBatch, p4: NDArray[np.float64], ws: JetsWorkspace, count: NDArray[np.int64],
                    values: NDArray[np.float64]) -> int:
    """Fill the true jets of all events; return the first that has no room, or the number of events."""
    for i in range(len(count)):
        count[i] = truth_jets(event(batch, i), p4, ws, values[i])
        if count[i] < 0 or count[i] > values.shape[1]:
            return i
    return len(count)


@lru_cache(maxsize=1)
def _workspace(particles: int) -> tuple[NDArray[np.float64], JetsWorkspace]:
    return np.zeros((particles, 4)), jets_workspace(16, particles)


def true_jets(batch: EventBatch) -> TrueJets:
    """Return the true jets of a batch; GenerationError if an event has more than `MOST_JETS`."""
    events = len(batch.weight)
    found = TrueJets(int(batch.event_number[0]), np.zeros(events, np.int64), np.zeros((events, MOST_JETS, 4)))
    particles = max(4096, 1 << int(np.diff(batch.offsets).max()).bit_length())
    done = _fill_true_jets(batch, *_workspace(particles), found.jets, found.values)
    if done < events:
        raise GenerationError(f"event {batch.event_number[done]}: its true jets cannot be found")
    return found


def under_card(config: RunConfig, process: int, chunk: int, batch: EventBatch, true: TrueJets) -> OneCard:
    """Return the rows of a batch under the card of a configuration."""
    made = rows_of_batch(config, process, batch, with_phi=True).jets
    label = made[:, _LABEL]
    order = np.lexsort((label == OTHER, made[:, _EVENT]))
    rows = made[order] if config.keep_unmatched else made[order][label[order] != OTHER]
    packed = pack(config, process, chunk, ChunkRows(rows[:, :-1], None, 0.0))
    number = rows[:, _EVENT].astype(np.int64) - true.first
    return OneCard(packed.jets, number, matched(number, rows[:, [_PT, _ETA, -1]], true))


def matched(number: NDArray[np.int64], axes: NDArray[np.float64], true: TrueJets) -> NDArray[np.int64]:
    """Return the true jet of each row, -1 without.

    Parameters
    ----------
    number : array (rows,)
        Row of the event in its batch.
    axes : array (rows, 3)
        pT [GeV], eta, phi of the reconstructed jets.
    true : TrueJets
        The true jets.
    """
    result = np.full(len(number), -1)
    taken: set[tuple[int, int]] = set()
    for row in np.argsort(-axes[:, 0], kind="stable"):
        i = int(number[row])
        jets = true.values[i, :true.jets[i]]
        phi = np.abs(jets[:, 2] - axes[row, 2])
        distance = np.hypot(jets[:, 1] - axes[row, 1], np.minimum(phi, 2.0 * np.pi - phi))
        for k in np.argsort(distance):
            if distance[k] < MAX_DR and (i, int(k)) not in taken:
                taken.add((i, int(k)))
                result[row] = k
                break
    return result


def joined(nominal: OneCard, shifted: OneCard, true: TrueJets) -> Pairs:
    """Return the outer join of two cards: by event, true jet, and last the rows without a true jet, which stay alone."""
    keys: dict[tuple[int, int, int, int], list[int]] = {}
    for side, card in enumerate((nominal, shifted)):
        for row, (i, k) in enumerate(zip(card.event.tolist(), card.truth.tolist(), strict=True)):
            key = (i, k, 0, 0) if k >= 0 else (i, MOST_JETS, side, row)
            keys.setdefault(key, [-1, -1])[side] = row
    order = sorted(keys)
    rows = np.array([keys[key] for key in order], np.int64).reshape(-1, 2)
    number, truth = (np.array([key[c] for key in order], np.int64) for c in (0, 1))
    both = Pairs(*(_filled(card.jets, rows[:, side]) for side, card in enumerate((nominal, shifted))))
    for side, table in enumerate(both):
        absent, other = rows[:, side] < 0, both[1 - side]
        for name in (*schema.EVENT_COLUMNS, "flavour_label"):
            table[name][absent] = other[name][absent]
        table["passes_nominal"], table["passes_shifted"] = rows[:, 0] >= 0, rows[:, 1] >= 0
        _note_truth(table, number, np.where(truth < MOST_JETS, truth, -1), true)
    return both


def _filled(jets: NDArray[np.void], rows: NDArray[np.int64]) -> NDArray[np.void]:
    """Return compound rows with two cards' columns: `jets[rows]`, and NaN, -1 or False where the row is -1."""
    made = np.zeros(len(rows), schema.PAIR_DTYPE)
    there = rows >= 0
    for field in schema.JET_FIELDS:
        made[field.name] = {"f": np.nan, "i": -1, "b": False}[np.dtype(field.dtype).kind]
        made[field.name][there] = jets[field.name][rows[there]]
    return made


def _note_truth(table: NDArray[np.void], number: NDArray[np.int64], truth: NDArray[np.int64], true: TrueJets) -> None:
    table["truthJet"] = truth
    values = np.where((truth >= 0)[:, None], true.values[number, truth], np.nan)
    for column, name in enumerate(_TRUTH):
        table[name] = values[:, column] * (schema.MEV if name in ("truthJetPt", "truthJetMass") else 1.0)
