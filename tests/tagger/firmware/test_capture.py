"""What tools print lands in the log, from Python, from subprocesses and from below Python."""

import os
import subprocess
import sys

import pytest

from tagger.firmware.capture import captured


def test_all_channels(tmp_path, capfd):
    log = tmp_path / "log"
    with captured(log, "step one"):
        print("from print")
        os.write(2, b"from the descriptor\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    print("afterwards")
    text = log.read_text()
    assert all(words in text for words in ("== step one", "from print", "from the descriptor", "from a child"))
    assert capfd.readouterr().out == "afterwards\n"


def test_output_comes_back_after_an_error(tmp_path, capfd):
    with pytest.raises(RuntimeError), captured(tmp_path / "log", "step"):
        raise RuntimeError
    print("afterwards")
    assert capfd.readouterr().out == "afterwards\n"
