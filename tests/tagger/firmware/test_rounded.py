"""Rounded networks: as good as `tagger.fixed` says at every width, exact as additions, larger with more bits."""

import numpy as np
import pytest

pytest.importorskip("da4ml")
from pseudoexp.errors import ConfigError
from tagger.evaluate import logits
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.rounded import rounded
from tagger.fixed import fixed_logits


@pytest.mark.parametrize("bits", [4, 8, 12])
def test_it_is_the_rounding_of_the_scan(small_run, small_data, bits):
    x, calibration = small_data.test.x, small_data.train.x
    network = rounded(small_run.model, calibration, bits)
    exact = logits(small_run.model, x).astype(float)
    mine, scanned = network.logits(x) - exact, fixed_logits(small_run.model, x, calibration, bits) - exact
    assert np.std(mine) < 1.6 * np.std(scanned) + 1e-4 and abs(np.mean(mine)) < 0.5 * np.std(exact)
    for layer in network.layers:
        widths = np.ceil(np.log2(np.abs(layer.kernel) + 1)) - np.log2(np.maximum(layer.kernel & -layer.kernel, 1))
        assert widths.max() <= bits


def test_the_additions_compute_it_and_grow_with_the_bits(small_run, small_data):
    size = []
    for bits in (3, 6):
        network = rounded(small_run.model, small_data.train.x, bits)
        graph = AdderGraph.of(network, 0.0)
        x = small_data.test.x[:200]
        words = np.ldexp(network.words(x).astype(float), -network.layers[0].input_bits)
        assert np.array_equal(graph.whole.predict(words, n_threads=1)[:, 0], network.logits(x))
        size.append(graph.estimate["luts"])
    assert size[1] > 1.5 * size[0] > 100.0


def test_widths_are_checked(small_run, small_data):
    with pytest.raises(ConfigError, match="1 bits; allowed: 2 to 16"):
        rounded(small_run.model, small_data.train.x, 1)
