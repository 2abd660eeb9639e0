"""Primary hadrons against Pythia8's from the same partons: means and spreads.

strings_pythia8.json: mean, spread and number of values per configuration of bench/compare_strings.py and observable, from
Pythia 8.317 (Monash) with `ProcessLevel:all = off` and `HadronLevel:Decay = off`; 6000 events each, 20,000 for qqbar.
"""

import json
import math
from pathlib import Path

import pytest
from compare_strings import CONFIGURATIONS, builtin_sample, observables

PYTHIA = json.loads((Path(__file__).parent / "strings_pythia8.json").read_text())
MEAN, SPREAD, SIGMAS = 0.02, 0.04, 4.0


@pytest.mark.parametrize("name", PYTHIA)
def test_means_and_spreads(name):
    mine = observables(builtin_sample(CONFIGURATIONS[name], 3000))
    wrong = []
    for key, (mean, spread, n) in PYTHIA[name].items():
        values = mine[key]
        statistics = spread * math.sqrt(1 / len(values) + 1 / n)
        if abs(values.mean() - mean) > MEAN * abs(mean) + SIGMAS * statistics:
            wrong.append((key, "mean", values.mean(), mean))
        kurtosis = ((values - values.mean()) ** 4).mean() / values.var() ** 2
        if abs(values.std() - spread) > SPREAD * spread + SIGMAS * statistics * math.sqrt(kurtosis - 1) / 2:
            wrong.append((key, "spread", values.std(), spread))
    assert wrong == []
