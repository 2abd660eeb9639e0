"""All layouts, all sets: how many there are, members of a stack learn as networks of their own."""

import keras
import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.errors import ConfigError
from tagger.data import TaggerData
from tagger.model import build, moments
from tagger.resize import exhaustive
from tagger.resize.exhaustive import Candidate, all_choices, all_layouts, search, train_many
from tagger.train import TrainConfig

NAMES = ("pt", "mass", "vr1_ip3d_bu", "vr2_ip3d_bu")
CONFIG = TrainConfig(epochs=3, batch=128, learning_rate=0.01, patience=0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return TaggerData.load(mock_file(tmp_path_factory.mktemp("data") / "mock.h5", 2500), NAMES)


def test_how_many_there_are():
    layouts = all_layouts((16, 16, 16), 12)
    assert len(layouts) == len(set(layouts)) == 55 and {sum(layout) for layout in layouts} == {12}
    assert all_layouts((2, 9), 8) == [(1, 7), (2, 6)]
    assert len(all_choices(12, 3)) == 220
    for wrong in (lambda: all_layouts((2, 2), 5), lambda: all_layouts((2, 2), 1), lambda: all_choices(3, 4)):
        with pytest.raises(ConfigError):
            wrong()


def test_a_member_learns_as_if_it_were_alone(data):
    """An ordinary network with the same first weights and the same order of rows ends at the same logits."""
    one, other = Candidate((0, 2, 3), (4, 2)), Candidate((1,), (2, 3))
    stack = exhaustive._stack(data, [(other, 5), (one, 7), (one, 8)])
    kernels = [layer.first[1] for layer in stack.layers if isinstance(layer, exhaustive.StackedDense)]
    exhaustive._fit_stack(stack, data, CONFIG)
    rows = data.select([NAMES[i] for i in one.inputs])
    alone = build(3, one.layout, *moments(rows.train.x))
    for layer, kernel, (a, b) in zip([x for x in alone.layers if hasattr(x, "kernel")], kernels, ((3, 4), (4, 2), (2, 1)),
                                     strict=True):
        layer.kernel.assign(kernel[list(one.inputs)][:, :b] if a == 3 else kernel[:a, :b])
    keras.utils.set_random_seed(CONFIG.seed)
    steps = -(-len(rows.train) // CONFIG.batch)
    rate = keras.optimizers.schedules.CosineDecay(CONFIG.learning_rate, steps * CONFIG.epochs)
    alone.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True))
    alone.fit(rows.train.x, rows.train.y.astype("float32")[:, None], sample_weight=rows.train.training_weight(),
              batch_size=CONFIG.batch, epochs=CONFIG.epochs, verbose=0)
    found = exhaustive._logits(stack, data.val.x)[:, 1]
    np.testing.assert_allclose(found, alone.predict(rows.val.x, verbose=0)[:, 0], rtol=1e-3, atol=1e-3)


def test_the_search_finds_the_inputs_that_decide(data, monkeypatch):
    monkeypatch.setattr(exhaustive, "MEMBERS", 5)
    candidates = [Candidate(inputs, (4,)) for inputs in all_choices(4, 2)]
    areas = train_many(data, candidates, [1, 2], CONFIG)
    assert areas.shape == (6, 2, 2) and np.all((areas >= 0) & (areas <= 1))
    result = search(data, candidates, [candidates[2]], [1, 2], CONFIG, winners=2)
    assert [entry["rank"] for entry in result["winners"]] == [1, 2] and result["found"][0]["index"] == 2
    assert all(len(set(entry["test"])) == 2 * exhaustive.FRESH for entry in result["winners"])
    np.testing.assert_array_equal([entry["val"] for entry in result["candidates"]], areas[:, :, 0])
    assert result["candidates"][result["order"][0]]["inputs"] != ["pt", "mass"]
