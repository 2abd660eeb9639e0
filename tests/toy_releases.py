"""Two made-up releases, one of them for tests only."""

from pseudoexp.benchmark.registry import parse

TEXT = """
[v1-small]
status = "candidate"
title = "made-up rows"
base = "v1-small"
n = 3000
seed = 3
engine = "builtin"
card = "atlas-itk"
signal_fraction = 0.5
pileup = 0.0
tracks = 0
splits = { train = [0, 1, 2, 3, 4, 5, 6, 7], val = [8], test = [9] }
ms_per_row = 0.1

[v1-other]
status = "candidate"
title = "made-up rows for tests only"
base = ""
n = 1000
seed = 4
engine = "builtin"
card = "hlt"
signal_fraction = 0.5
pileup = 0.0
tracks = 0
splits = { test = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }
ms_per_row = 0.1
"""


def frozen(registered, **changed):
    """Return the made-up release frozen at this installation, with changes."""
    one = parse(TEXT, "text")["v1-small"]
    identity = one.config.identity()
    pins = {"engine_version": identity["engine_version"], "dataset_version": identity["dataset_version"],
            "weights_table": identity["calibration_sha256"], "configuration_hash": one.config.hash(), "dataset_hash": "0" * 64}
    lines = "".join(f'{key} = "{value}"\n' for key, value in (pins | changed).items())
    return registered(TEXT.replace("candidate", "frozen", 1).replace("ms_per_row", lines + "ms_per_row", 1))["v1-small"]
