"""Optional packages: found, or named together with the extra that brings them."""

import json
import sys

import pytest

from pseudoexp.errors import MissingExtra
from pseudoexp.optional import require, require_installed


def test_require():
    assert require("json", "onnx") is json
    with pytest.raises(MissingExtra, match=r"no_such_package is not installed: .*pseudoexp\[onnx\]"):
        require("no_such_package.part", "onnx")


def test_require_installed():
    require_installed("onnx", "json")
    with pytest.raises(MissingExtra, match=r"no_such_package is not installed: .*pseudoexp\[onnx\]"):
        require_installed("onnx", "json", "no_such_package")


def test_what_to_install_is_not_always_what_to_import(monkeypatch):
    for module in ("sklearn", "sklearn.ensemble"):
        monkeypatch.setitem(sys.modules, module, None)
    for ask in (lambda: require("sklearn.ensemble", "validation"), lambda: require_installed("validation", "sklearn")):
        with pytest.raises(MissingExtra, match="scikit-learn is not installed"):
            ask()
