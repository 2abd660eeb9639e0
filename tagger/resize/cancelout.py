"""CancelOut: independent gates sigmoid(w), pushed apart by the loss.

    y = x * sigmoid(w),   loss += -lambda_1 var(w / n) + lambda_2 ||w / n||_1

for n nodes: V. Borisov, J. Haug, G. Kasneci, "CancelOut: A Layer for Feature Selection in Deep Neural Networks",
ICANN 2019, LNCS 11728, p. 72, doi 10.1007/978-3-030-30484-3_6. Only the start differs: here w = 0, so that all gates
begin equal at one half.

The original ranks the nodes by their gates and removes none. With a budget, exactly that many of the highest gates
are kept by the same freeze as `AutoPruner`'s; it may stand on hidden layers too.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tagger.resize.budget import Tensor
from tagger.resize.gate import Budget, Gate, as_array


@keras.saving.register_keras_serializable(package="tagger")
class CancelOut(Gate):
    """Independent gates sigmoid(w) with a loss that spreads them.

    Parameters
    ----------
    budget : Budget, optional
        Nodes to keep at the freeze, possibly shared with other gates; None for the original, which only ranks.
    variance : float
        lambda_1, weight of the variance of w / n.
    sparsity : float
        lambda_2, weight of the 1-norm of w / n.
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def __init__(
        self, budget: Budget | None = None, variance: float = 0.2, sparsity: float = 0.1, **kwargs: Any
    ) -> None:
        super().__init__(budget, **kwargs)
        self.variance = float(variance)
        self.sparsity = float(sparsity)

    def gates(self, trace: object | None = None) -> Tensor:
        """sigmoid(w), or the frozen selection."""
        return ops.where(self._is_frozen(), ops.convert_to_tensor(self.mask), ops.sigmoid(self.scores))

    def charge(self) -> None:
        """Add the loss."""
        share = ops.convert_to_tensor(self.scores) / self.size
        loss = self.sparsity * ops.sum(ops.abs(share)) - self.variance * ops.var(share)
        self.add_loss(ops.where(self._is_frozen(), 0.0, loss))

    def ranking(self) -> NDArray[np.int64]:
        """Indices of the nodes, the most important first."""
        return np.argsort(-as_array(self.scores), kind="stable")

    def get_config(self) -> dict[str, Any]:
        """Configuration of the layer."""
        return {**super().get_config(), "variance": self.variance, "sparsity": self.sparsity}

    def _is_frozen(self) -> Tensor:
        return ops.convert_to_tensor(self.frozen) > 0.5
