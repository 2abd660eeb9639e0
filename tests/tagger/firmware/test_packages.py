"""Optional packages: found, or named together with the extra that brings them."""

import json

import pytest

from pseudoexp.errors import MissingExtra
from tagger.firmware.packages import require


def test_require():
    assert require("json", "onnx") is json
    with pytest.raises(MissingExtra, match=r"no_such_package is not installed: .*pseudoexp\[onnx\]"):
        require("no_such_package", "onnx")
