"""`--luts` as synthesised: the network found by the price of its multiplications is rounded, synthesised, and priced anew.

The price of `tagger.resize.cost` is a fit. What Yosys makes of the network rounded to 8 bits says how far off it is for
this one; the next pruning gets a limit corrected by that, until the network fits and little room is left.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError
from tagger.data import TaggerData
from tagger.model import fixed_point_chain
from tagger.resize.training import ResizeOptions, prune
from tagger.runs import Run
from tagger.train import Report, TrainConfig

ROUNDS = 4
"""Prunings at most."""
ROOM = 0.85
"""Share of the limit above which no larger network is looked for."""
MARGIN = 0.97
"""Of a corrected limit."""
Measure = Callable[[Run, NDArray[np.float32]], float]
"""(network, raw training rows) -> LUTs."""


def synthesised(run: Run, x: NDArray[np.float32]) -> float:
    """Return the LUTs of a run's network rounded to 8 bits, as Yosys synthesises it."""
    from tagger.firmware.rounded import rounded
    from tagger.firmware.synthesis import network_cells

    return float(network_cells(rounded(run.model, x)).luts)


def prune_under(parent: Run | None, data: TaggerData, luts: int | str, options: ResizeOptions, config: TrainConfig,
                report: Report | None = None, measure: Measure = synthesised) -> Run:
    """Prune to the largest network that takes at most so many LUTs as synthesised.

    Parameters
    ----------
    parent : Run or None
        With its network; see `tagger.resize.training.prune`.
    data : TaggerData
        With its inputs.
    luts : int or str
        The limit, or a share of the price of the network to start from.
    options : ResizeOptions
        With cost "luts".
    config : TrainConfig
        How to train each time.
    report : callable, optional
        Called after each epoch.
    measure : callable
        LUTs of a network.

    Returns
    -------
    Run
        Not saved yet; `metrics["resize"]["luts"]` says `limit`, `synthesised` and what was `tried`.

    Raises
    ------
    ConfigError
        If no network tried fits, or at once if the parent cannot be put into fixed point.
    """
    if parent is not None and parent.model is not None:
        fixed_point_chain(parent.model)
    asked: int | str = luts
    limit, best = 0.0, None
    tried: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        try:
            run = prune(parent, data, asked, options, config, report)
        except ConfigError:  # a corrected limit is below one node per layer, or above the whole network
            if not tried:
                raise
            break
        price = float(run.metrics["resize"]["asked"]["budget"])
        limit = limit or price
        made = measure(run, data.select(run.inputs).train.x)
        tried.append({"price": price, "synthesised": made})
        if made <= limit and (best is None or made > best[0]):
            best = made, run
        if ROOM * limit <= made <= limit:
            break
        following = round(MARGIN * price * limit / max(made, 1.0))
        if following == round(price):
            break
        asked = following
    if best is None:
        raise ConfigError(f"no network of at most {limit:g} LUTs as synthesised in {len(tried)} attempts (the smallest took "
                          f"{min(one['synthesised'] for one in tried):g}): allowed is a larger limit, or --estimate")
    made, run = best
    run.metrics["resize"]["luts"] = {"limit": limit, "synthesised": made, "tried": tried}
    return run
