import ctypes
import os

import pytest

from pseudoexp.engines.native_output import caught


def test_output_of_compiled_code_is_caught_and_only_then(capfd):
    libc = ctypes.CDLL(None)
    print("before")
    text = caught(lambda: (os.write(1, b"direct\n"), libc.puts(b"buffered")))
    print("after")
    assert "direct" in text and "buffered" in text
    assert capfd.readouterr().out == "before\nafter\n"


def test_output_is_restored_after_an_error(capfd):
    with pytest.raises(ZeroDivisionError):
        caught(lambda: 1 / 0)
    os.write(1, b"visible")
    assert capfd.readouterr().out == "visible"
