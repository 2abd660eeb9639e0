"""Smoke test of the installed wheel, run from another folder, without write access to the package."""

import subprocess
import sys
from pathlib import Path

import numpy as np

import pseudoexp
from pseudoexp.core.cache import cache_folder
from pseudoexp.engines.builtin.event import engine_tables
from pseudoexp.jets.antikt import cluster, cluster_workspace


def pseudoexp_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "pseudoexp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


package = Path(pseudoexp.__file__).parent
assert "site-packages" in str(package), package
assert pseudoexp_cli("--help").returncode == 0
assert "atlas-itk" in pseudoexp_cli("cards", "list").stdout
assert "v1-small" in pseudoexp_cli("benchmark", "list").stdout
assert pseudoexp_cli("info", "missing.h5").returncode == 2
answer = pseudoexp_cli("generate", "--n", "10", "--out", "x.h5", "--engine", "pythia8")
assert answer.returncode == 2 and "pseudoexp[pythia]" in answer.stderr.replace("\n", ""), answer
workspace = cluster_workspace(16)
p4 = np.array([[30.0, 0.0, 0.0, 30.0], [0.0, 20.0, 0.0, 20.0]])
assert cluster(p4, 2, 1.0, -1, 0.0, workspace) == 2
assert engine_tables(1, 150.0, 4.0).hard.integral > 0.0
assert Path.home() in cache_folder().parents and any(cache_folder().rglob("*.nbi")), cache_folder()
print("wheel: 1 passed, 0 failed")
