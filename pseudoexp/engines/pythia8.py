"""Events from Pythia8 (C. Bierlich et al., SciPost Phys. Codebases 8, 2022, arXiv:2203.11601).

A chunk of events is a function of (seed, process, number of its first event, settings): before the first event
Pythia's random generator is put into a state hashed from the first three. Event i of a chunk does not depend on
how many events follow, so a short chunk is a prefix of a longer one. The settings are not hashed: another tune
starts from the same random numbers.
"""

from __future__ import annotations

from pseudoexp.core.processes import MINIMUM_BIAS, SIGNAL
from pseudoexp.core.record import EventBatch
from pseudoexp.engines.batches import join, require_finite
from pseudoexp.engines.driver import driver
from pseudoexp.engines.history import flatten, record
from pseudoexp.engines.normalisation import normalisation
from pseudoexp.engines.settings import EngineSettings, physics_process, pythia_lines, require_events

_EVENTS_PER_CALL = 25
"""Events per call of Pythia: their full history takes 5 MB, and no other Python thread runs for 0.2 s."""


def generate_chunk(process: int, seed: int, first_event: int, n: int, settings: EngineSettings) -> EventBatch:
    """Generate events `first_event` to `first_event + n - 1` of a process.

    Parameters
    ----------
    process : int
        `processes.SIGNAL`, `processes.QCD` or `processes.MINIMUM_BIAS`; plus `CALIBRATION` for other events of the same kind.
        Signal is g b -> H b without incoming charm; rejected and failed events are redrawn and not numbered.
    seed : int
        0 <= seed < 2**63.
    first_event : int
        Number of the first event, below 2**48. It names the chunk: the same number inside another chunk is
        another event.
    n : int
        Number of events.
    settings : EngineSettings
        Threshold, bias and tune.

    Returns
    -------
    EventBatch
        n events; the mean of the weights [pb] is the cross-section, including BR(H -> bb) for the signal.

    Raises
    ------
    MissingExtra
        Without pythia8mc or awkward.
    ConfigError
        For a value out of range.
    GenerationError
        If Pythia gives up, or for NaN in an event.
    """
    require_events(seed, first_event, n)
    physics = physics_process(process)
    constant = normalisation(process, settings).constant
    pythia = driver(pythia_lines(physics, settings), without_charm=physics == SIGNAL)
    pythia.seed(f"seed {seed} process {process} event {first_event}")
    parts: list[EventBatch] = []
    done = 0
    while done < n:
        history = flatten(pythia.events(min(n - done, _EVENTS_PER_CALL)))
        parts.append(record(history, first_event + done, constant, physics != MINIMUM_BIAS))
        require_finite(parts[-1], f"Pythia8, process {process}, seed {seed}, chunk {first_event}")
        done += parts[-1].event_number.size
    return join(parts)
