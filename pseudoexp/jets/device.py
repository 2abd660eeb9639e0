"""Clusterings of many events at once on a GPU, one thread an event, by the functions of `jets.antikt`.

The thread's number is the last index of every buffer, so that neighbouring threads read neighbouring words. Threads of one warp
wait for each other: events are taken by size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from pseudoexp.core.device import blocks, on_device, strict
from pseudoexp.errors import ConfigError, DataError
from pseudoexp.jets.antikt import ClusterWorkspace, cluster, cluster_workspace

_cluster = on_device(cluster)


class DeviceJets(NamedTuple):
    """Jets of several events; by falling pT within each."""

    n_jets: NDArray[np.int64]  # (events,)
    jet_p4: NDArray[np.float64]  # (events, capacity, 4) px, py, pz, E [GeV]
    jet_of: NDArray[np.int32]  # (events, capacity) jet of each input, -1 for none


@cuda.jit
def _cluster_events(p4, first, order, radius, power, ptmin, ws, n_jets):  # type: ignore[no-untyped-def]
    """Cluster each event in a thread of its own, event order[t] in thread t."""
    t = cuda.grid(1)
    if t < n_jets.shape[0]:
        own = ClusterWorkspace(ws.jet_p4[:, :, t], ws.jet_of[:, t], ws.directions[:, :, t], ws.slots[:, :, t],
                               ws.bits[:, :, t], ws.links[:, :, t], ws.found[:, :, t])
        a, b = first[order[t]], first[order[t] + 1]
        n_jets[t] = _cluster(p4[a:b], b - a, radius, power, ptmin, own)


def device_workspace(events: int, capacity: int) -> Any:
    """Return a `ClusterWorkspace` in the GPU's memory for events of up to `capacity` inputs (220 bytes each)."""
    shapes = cluster_workspace(capacity)
    arrays = {name: cuda.device_array((*array.shape, events), array.dtype) for name, array in shapes._asdict().items()}
    return ClusterWorkspace(**arrays | {"bits": arrays["slots"].view(np.int64)})


def by_size(first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the events, the small ones first."""
    return np.argsort(np.diff(first), kind="stable")


def cluster_events(p4: NDArray[np.float64], first: NDArray[np.int64], radius: float, power: int, ptmin: float) -> DeviceJets:
    """Return the inclusive jets of many events; the same, to the bit, as `antikt.cluster` gives event by event.

    Parameters
    ----------
    p4 : ndarray, shape (inputs of all events, 4)
        px, py, pz, E [GeV].
    first : ndarray of int64, shape (events + 1,)
        The first input of each event, and their number.
    radius, power, ptmin
        As in `antikt.cluster`.

    Raises
    ------
    ConfigError
        If there is no GPU.
    DataError
        If a momentum is not finite.
    """
    if not cuda.is_available():
        raise ConfigError("no GPU: numba finds no CUDA device and driver here")
    sizes = np.diff(first)
    events, order = len(sizes), by_size(first)
    ws, n_jets = device_workspace(events, int(sizes.max(initial=1))), cuda.device_array(events, np.int64)
    inputs = (cuda.to_device(np.ascontiguousarray(values)) for values in (p4, first, order))
    with strict():
        _cluster_events[blocks(events)](*inputs, radius, power, ptmin, ws, n_jets)
    thread = np.argsort(order)  # of each event
    n_found, jet_p4, jet_of = (np.moveaxis(array.copy_to_host(), -1, 0)[thread] for array in (n_jets, ws.jet_p4, ws.jet_of))
    found = DeviceJets(n_found, jet_p4, jet_of)
    if (found.n_jets < 0).any():
        raise DataError(f"event {int(np.argmin(found.n_jets))}: a momentum is not finite")
    return found
