"""What a network costs: a bilinear form of the numbers of nodes its layers keep.

With S_k the particles (sum of gates, each times the channels it switches) under gate k, every layer with a kernel
costs a_l (its inputs kept) x (its outputs kept), and each of both is a constant or the S_k of the gates in front and
behind. Therefore

    C(S) = c + b . S + S . Q . S,

which grows in every gate as no coefficient is negative. "multiplications" counts those per row (per position of a
convolution, per time step of a recurrent layer); "luts" is the same times a constant, LUTs for products of 8 bits by 8.
With one width for all layers it chooses the layouts that "multiplications" chooses; it is there for a limit that is known in
LUTs, and what a network takes in the end synthesis says (`tagger.resize.lut_check`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from pseudoexp.errors import ConfigError

COSTS = ("nodes", "multiplications", "luts")
"""What a budget may count."""
LUTS_PER_BIT_OPERATION = 0.29
"""LUTs for each bit of one factor times each bit of the other, sums included. Yosys made 0.33, 0.32, 0.28, 0.27 of trained
networks of 52, 132, 196, 348 multiplications rounded to 8 bits (bench/lut_estimates.py), and 0.24 of 2,029."""
WEIGHT_BITS, ACTIVATION_BITS = 8, 8
"""Bits that "luts" assumes where nothing else is said."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cost:
    """C(S) = constant + linear . S + S . quadratic . S for the particles S (k,) under k gates.

    Attributes
    ----------
    name : str
        One of `COSTS`; anything else is allowed for forms of one's own.
    constant : float
        What the rest of the network costs.
    linear : tuple of float (k,)
        Cost of one node beside layers of constant width.
    quadratic : tuple of tuples of float (k, k)
        Symmetric; cost of one node beside one of another gate.

    Raises
    ------
    ConfigError
        If a coefficient is negative, or the shapes differ.
    """

    name: str
    constant: float
    linear: tuple[float, ...]
    quadratic: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        linear = tuple(float(value) for value in self.linear)
        quadratic = tuple(tuple(float(value) for value in row) for row in self.quadratic)
        object.__setattr__(self, "linear", linear)
        object.__setattr__(self, "quadratic", quadratic)
        if any(len(row) != len(linear) for row in quadratic) or len(quadratic) != len(linear):
            raise ConfigError(f"cost '{self.name}': {len(linear)} linear coefficients need as many rows and columns")
        if min([self.constant, *linear, *(value for row in quadratic for value in row)]) < 0.0:
            raise ConfigError(f"cost '{self.name}': no coefficient may be negative, the cost must grow with every node")

    def value(self, particles: ArrayLike) -> Any:
        """C for particles (..., k)."""
        s = np.asarray(particles, dtype=float)
        return self.constant + s @ np.array(self.linear) + np.sum(s * (s @ np.array(self.quadratic)), axis=-1)

    def tensor(self, particles: Any) -> Any:
        """C of a tensor (..., k), inside a graph."""
        linear, quadratic = self._tensors(particles.dtype)
        return self.constant + ops.sum(particles * (linear + ops.matmul(particles, quadratic)), axis=-1)

    def marginal(self, particles: Any) -> Any:
        """dC/dS (..., k) of a tensor."""
        linear, quadratic = self._tensors(particles.dtype)
        return linear + 2.0 * ops.matmul(particles, quadratic)

    def _tensors(self, dtype: Any) -> tuple[Any, Any]:
        return ops.convert_to_tensor(self.linear, dtype=dtype), ops.convert_to_tensor(self.quadratic, dtype=dtype)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionary that restores the cost."""
        return asdict(self)

    @classmethod
    def from_dict(cls, config: dict[str, Any]) -> Cost:
        """Restore a cost."""
        return cls(config["name"], config["constant"], tuple(config["linear"]),
                   tuple(tuple(row) for row in config["quadratic"]))
