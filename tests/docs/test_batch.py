"""The job files of docs/batch.md: shells take the scripts, and a reader knows which folders they want."""

import re
import subprocess
from pathlib import Path

import pytest
import site_commands
import site_pages

PAGE = "docs/batch.md"
BLOCKS = [block for block in site_commands.blocks(PAGE) if block.language in ("", "bash")]
PLACES = r"(?:^(?:output|error|log) *= *|--output=|--out \"?)([^\s\"]+/)"


@pytest.mark.parametrize("script", [block.text for block in BLOCKS if block.language == "bash"], ids=["HTCondor", "Slurm"])
def test_a_shell_takes_the_script(script):
    assert script.startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, capture_output=True)


def test_the_page_makes_every_folder_that_jobs_write_into():
    wanted = {str(Path(place)) for block in BLOCKS for place in re.findall(PLACES, block.text, re.MULTILINE)}
    assert wanted == {"logs", "/shared/shards"}
    made = re.search(r"`mkdir -p ([^`]+)`", site_pages.read(PAGE))
    assert made and set(made[1].split()) == wanted
