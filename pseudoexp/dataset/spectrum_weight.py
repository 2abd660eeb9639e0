"""The benchmark weight of one row: a kernel, apart from the table that everybody may read without numba."""

from __future__ import annotations

from pseudoexp.core.elementary import log
from pseudoexp.core.interpolation import bilinear
from pseudoexp.core.jit import inline
from pseudoexp.dataset.weights import SpectrumRatio


@inline
def spectrum_weight(table: SpectrumRatio, pt: float, abs_eta: float) -> float:
    """Return the weight of a signal row at `pt` [GeV] and |eta|."""
    return bilinear(table.ratio, table.eta, table.log_pt, abs_eta, log(pt))
