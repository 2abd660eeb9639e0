"""Numbers rounded after training: formats by hand, many bits are the float network, few bits break it."""

import numpy as np
import pytest

from pseudoexp.errors import ConfigError
from tagger.evaluate import logits
from tagger.fixed import breaks_at, cut, fixed_logits, scan


def test_formats_by_hand():
    values = np.array([-3.0, -0.3, 0.1, 0.3, 0.9, 5.0])
    assert cut(values, 3, 1.0).tolist() == [-1.0, -0.25, 0.0, 0.25, 0.75, 0.75]
    assert cut(values, 2, 1.0, signed=False).tolist() == [0.0, 0.0, 0.0, 0.25, 0.75, 0.75]
    assert cut(values, 4, 3.0).tolist() == [-3.0, -0.5, 0.0, 0.5, 1.0, 3.5]


def test_many_bits_are_the_float_network(small_run, small_data):
    part, rows = small_data.val.x[:500], small_data.train.x
    exact = logits(small_run.model, part)
    error = [np.abs(fixed_logits(small_run.model, part, rows, bits) - exact).mean() for bits in (4, 8, 12, 20)]
    assert error[0] > 4 * error[1] and error[1] > 4 * error[2] and error[3] < 0.02 * np.std(exact)
    with pytest.raises(ConfigError, match="at least 2"):
        fixed_logits(small_run.model, part, rows, 1)


def test_the_scan_tells_where_it_breaks(small_run, small_data):
    table = scan(small_run.model, small_data, (2, 12, 16))
    assert [row["bits"] for row in table] == [2, 12, 16, None]
    assert table[-1]["auc"] == pytest.approx(small_run.metrics["weightings"]["benchmark"]["auc"], abs=1e-6)
    assert abs(table[2]["auc"] - table[-1]["auc"]) < 1e-3
    rows = [{"bits": 4, "auc": 0.8}, {"bits": 6, "auc": 0.85}, {"bits": 8, "auc": 0.8995}, {"bits": None, "auc": 0.9}]
    assert breaks_at(rows) == 6 and breaks_at(rows[2:]) is None
