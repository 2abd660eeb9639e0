"""The quantised network in whole numbers: what the firmware computes, in numpy int64, no floats rounded anywhere.

A value v with f fractional bits is the integer v * 2^f. It is the third opinion beside Keras (float32) and the compiled
C simulation, and it says how many bits a sum needs: Keras' float32 sums are exact as long as that is at most 24.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import SchemaError
from tagger.runs import read_json, write_json

if TYPE_CHECKING:
    import keras

Integers = NDArray[np.int64]
EXACT_BITS = 24
"""Bits of a float32 mantissa."""
_MOST_BITS, _MOST_EXPONENT = 62, 126
"""Of integers and of float32 numbers that are read back."""


@dataclass(frozen=True)
class FixedLayer:
    """One dense layer: cut the inputs, multiply, add, and clip at 0 if it is a ReLU.

    Attributes
    ----------
    signed, integer, fractional : (n,) int64 arrays
        Format of each input: one sign bit or none, bits before and after the binary point.
    rounds : bool
        To the nearest step, ties up; else down.
    kernel : (n, m) int64 array
        Weights * 2^weight_bits.
    bias : (m,) int64 array
        Biases * 2^(weight_bits + input_bits).
    weight_bits, input_bits : int
        Fractional bits common to all weights and to all inputs.
    relu : bool
        Negative sums become 0.
    """

    signed: Integers
    integer: Integers
    fractional: Integers
    rounds: bool
    kernel: Integers
    bias: Integers
    weight_bits: int
    input_bits: int
    relu: bool

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Whether an input has any bit (n,)."""
        return self.signed + self.integer + self.fractional > 0

    @property
    def limits(self) -> tuple[Integers, Integers]:
        """Smallest and largest input (n,), in units of 2^-input_bits; both 0 for an input of no bit."""
        width = np.maximum(self.integer + self.fractional, 0)
        step = np.left_shift(1, self.input_bits - self.fractional)
        alive = self.alive
        return np.where(alive, -self.signed * (1 << width) * step, 0), np.where(alive, ((1 << width) - 1) * step, 0)

    def cut(self, value: Integers, fractional: int) -> Integers:
        """Return values (rows, n) of `fractional` bits in the layer's formats, with `input_bits` fractional bits."""
        low, high = self.limits
        step = self.input_bits - self.fractional  # of the format, in bits
        drop = fractional - self.fractional  # bits that go
        down = np.maximum(drop, 0)
        half = np.where(drop > 0, np.left_shift(1, np.maximum(down - 1, 0)), 0) if self.rounds else 0
        kept = np.left_shift(np.right_shift(value + half, down), np.maximum(-drop, 0))
        return np.clip(np.left_shift(kept, step), low, high)

    def sums(self, value: Integers) -> Integers:
        """Return the output (rows, m) for cut inputs (rows, n), with weight_bits + input_bits fractional bits."""
        total = value @ self.kernel + self.bias
        return np.maximum(total, 0) if self.relu else total

    @property
    def sum_bits(self) -> int:
        """Bits (without sign) that hold every partial sum in any order of terms."""
        low, high = self.limits
        largest = np.maximum(-low, high) @ np.abs(self.kernel) + np.abs(self.bias)
        steps = np.gcd.reduce(np.concatenate([self._smallest_terms(), self.bias]))
        return int(int(largest.max()) // max(int(steps & -steps), 1)).bit_length()

    def _smallest_terms(self) -> Integers:
        steps = np.left_shift(1, self.input_bits - self.fractional)
        alive = self.limits[1] > self.limits[0]
        return (self.kernel[alive] * steps[alive, None]).reshape(-1)


@dataclass(frozen=True)
class FixedNetwork:
    """A quantised network in integers.

    Attributes
    ----------
    exponents : (k,) int64 array
        A word is the raw input times 2^exponent.
    layers : tuple of FixedLayer
        In order; the last gives the logit.
    """

    exponents: Integers
    layers: tuple[FixedLayer, ...]

    @classmethod
    def from_keras(cls, model: keras.Model) -> FixedNetwork:
        """Read the integers out of a quantised network."""
        from tagger.model import dense_layers
        from tagger.quantise import word_scales

        exponents = np.log2(word_scales(model)).astype(np.int64)
        return cls(exponents, tuple(_layer(layer) for layer in dense_layers(model)))

    @classmethod
    def load(cls, path: Path) -> FixedNetwork:
        """Read what `save` wrote.

        Raises
        ------
        SchemaError
            If the file is missing, damaged or holds no network of whole numbers.
        """
        content = read_json(path)
        try:
            network = cls(_integers(content["exponents"]), tuple(_layer_of(layer) for layer in content["layers"]))
            shapes = [layer.kernel.shape for layer in network.layers]
            fits = (all(a[1] == b[0] for a, b in pairwise(shapes)) and shapes[-1][1] == 1
                    and all(part.shape == shape[:1] for layer, shape in zip(network.layers, shapes, strict=True)
                            for part in (layer.signed, layer.integer, layer.fractional))
                    and all(layer.bias.shape == layer.kernel.shape[1:] for layer in network.layers)
                    and network.exponents.shape == shapes[0][:1] and np.all(np.abs(network.exponents) <= _MOST_EXPONENT)
                    and all(_in_range(layer) for layer in network.layers))
        except (KeyError, TypeError, ValueError, IndexError, OverflowError):
            fits = False
        if not fits:
            raise SchemaError(f"{path}: not a network of whole numbers, or damaged")
        return network

    def save(self, path: Path) -> None:
        """Write the network as JSON."""
        write_json(path, asdict(self))

    def port(self, x: NDArray[np.float32]) -> Integers:
        """Return raw inputs (rows, k) as the integers that a port of each input's own format carries."""
        first = self.layers[0]
        return np.right_shift(self.words(x), first.input_bits - np.minimum(first.fractional, first.input_bits))

    def words(self, x: NDArray[np.float32]) -> Integers:
        """Return raw inputs (rows, k) as integers of the first layer's `input_bits` bits, cut and saturated."""
        first = self.layers[0]
        low, high = first.limits
        with np.errstate(over="ignore"):
            scaled = np.floor(np.ldexp(x.astype(np.float64), self.exponents + first.fractional))
        step = first.input_bits - first.fractional
        bound = np.left_shift(1, np.maximum(first.integer + first.fractional, 0))
        whole = np.clip(scaled, -bound, bound).astype(np.int64)
        return np.clip(np.left_shift(whole, step), low, high)

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the logits (rows,) for raw inputs (rows, k): exact."""
        value = self.words(x)
        fractional = 0
        for index, layer in enumerate(self.layers):
            value = layer.sums(layer.cut(value, fractional) if index else value)
            fractional = layer.weight_bits + layer.input_bits
        return np.ldexp(value[:, 0].astype(np.float64), -fractional)

    @property
    def sum_bits(self) -> list[int]:
        """Bits that the sums of each layer need at most."""
        return [layer.sum_bits for layer in self.layers]

    @property
    def left(self) -> list[int]:
        """Inputs, then nodes of each hidden layer, that bits of zero have left: those on a way from an input to the logit.

        A node that no input reaches is a constant, one that nothing reads does not count either.
        """
        ways = [(layer.kernel != 0) & (layer.limits[1] > layer.limits[0])[:, None] for layer in self.layers]
        varying, read = [np.ones(len(ways[0]), dtype=bool)], [np.ones(ways[-1].shape[1], dtype=bool)]
        for way in ways[:-1]:
            varying.append(way[varying[-1]].any(axis=0))
        for way in reversed(ways):
            read.append(way[:, read[-1]].any(axis=1))
        return [int(np.sum(a & b)) for a, b in zip(varying, read[:0:-1], strict=True)]


def word_of_cut(cut: float, fractional: int) -> int:
    """Return the smallest word of so many fractional bits that passes logit >= cut."""
    return math.ceil(math.ldexp(cut, fractional))


def _integers(values: Any) -> Integers:
    array = np.asarray(values)
    if array.dtype.kind != "i":
        raise TypeError("whole numbers are needed")
    return array.astype(np.int64)


def _layer_of(content: dict[str, Any]) -> FixedLayer:
    """Return a layer from its JSON."""
    signed, integer, fractional, kernel, bias = (
        _integers(content[name]) for name in ("signed", "integer", "fractional", "kernel", "bias"))
    return FixedLayer(signed, integer, fractional, bool(content["rounds"]), kernel, bias, int(content["weight_bits"]),
                      int(content["input_bits"]), bool(content["relu"]))


def _in_range(layer: FixedLayer) -> bool:
    """Return whether shifts by a layer's bits are defined."""
    return bool(np.all((layer.signed == 0) | (layer.signed == 1))
                and np.all(np.abs([layer.integer, layer.fractional, layer.integer + layer.fractional]) <= _MOST_BITS)
                and 0 <= layer.weight_bits <= _MOST_BITS and max(int(layer.fractional.max()), 0) <= layer.input_bits <= _MOST_BITS
                and layer.kernel.ndim == 2)


def _layer(layer: Any) -> FixedLayer:
    cut = layer.iq.quantizer
    inputs = layer.kernel.shape[0]
    signed, integer, fractional = (np.broadcast_to(np.asarray(part), (1, inputs))[0].astype(np.int64)
                                   for part in cut.kif)
    kernel, bias = (np.asarray(w, dtype=np.float64) for w in (layer.qkernel, layer.qbias))
    input_bits = max(int(fractional.max()), 0)
    weight_bits = max(_fractional_bits(kernel), _fractional_bits(bias) - input_bits, 0)
    return FixedLayer(signed, integer, fractional, cut.round_mode == "RND",
                      np.ldexp(kernel, weight_bits).astype(np.int64),
                      np.ldexp(bias, weight_bits + input_bits).astype(np.int64), weight_bits, input_bits,
                      getattr(layer.activation, "__name__", "") == "relu")


def _fractional_bits(values: NDArray[np.float64]) -> int:
    """Return the fewest fractional bits that hold all values; they are multiples of a power of two."""
    for bits in range(64):
        scaled = np.ldexp(values, bits)
        if np.array_equal(scaled, np.round(scaled)):
            return bits
    raise ValueError("values are not fixed-point numbers")
