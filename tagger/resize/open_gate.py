"""A gate that does not learn: open until its budget is frozen by scores from elsewhere."""

from __future__ import annotations

import keras
from keras import ops

from tagger.resize.budget import Tensor
from tagger.resize.gate import Gate


@keras.saving.register_keras_serializable(package="tagger")
class OpenGate(Gate):
    """A gate that is open until its budget is frozen."""

    learns = False

    def gates(self, trace: object | None = None) -> Tensor:
        """Ones, or the frozen selection."""
        return ops.convert_to_tensor(self.mask)
