"""Gates in existing models: where they land, what is refused."""

import keras
import numpy as np
import pytest
from keras import layers

from pseudoexp.errors import ConfigError
from tagger.model import build
from tagger.resize.cancelout import CancelOut
from tagger.resize.gate import find_budgets, find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.shrink import shrink


def _network():
    return build(6, (8, 5), np.arange(6.0), np.full(6, 4.0))


def _names(model):
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize(("where", "gates"), [
    ("hidden", ["gate_hidden_1", "gate_hidden_2"]), ("inputs", ["gate_inputs"]), ("hidden_2", ["gate_hidden_2"]),
    ("all", ["gate_inputs", "gate_hidden_1", "gate_hidden_2"]),
    (["hidden_1", "inputs"], ["gate_inputs", "gate_hidden_1"])])
def test_places(where, gates):
    model = insert_pruners(_network(), 4, where)
    (budget,) = find_budgets(model)
    assert [gate.name for gate in budget.layers] == gates and budget.nodes == 4
    for gate in find_gates(model):
        before = _names(model)[_names(model).index(gate.name) - 1]
        assert before == {"gate_inputs": "normalisation"}.get(gate.name, gate.name.removeprefix("gate_"))


def test_all_nodes_give_the_same_function_and_leave_the_original_alone():
    model = _network()
    weights = [w.copy() for w in model.get_weights()]
    x = np.random.default_rng(1).normal(size=(50, 6)).astype("float32")
    gated = insert_pruners(model, "100%", "all")
    np.testing.assert_array_equal(gated.predict(x, verbose=0), model.predict(x, verbose=0))
    gated.layers[-1].kernel.assign(gated.layers[-1].kernel * 0)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert not find_gates(model)


def test_the_gate_stands_behind_normalisation_and_activation():
    inputs = keras.Input((6,), name="inputs")
    x = layers.Dense(8, name="wide")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    model = insert_pruners(keras.Model(inputs, layers.Dense(1)(layers.Dropout(0.1)(x))), 3)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["InputLayer", "Dense", "BatchNormalization", "ReLU", "AutoPruner", "Dropout", "Dense"]
    bare = insert_pruners(keras.Model(inputs, layers.Dense(1)(inputs)), 2, "inputs", fluctuating=False)
    assert [type(layer).__name__ for layer in bare.layers] == ["InputLayer", "AutoPruner", "GatedDense"]


@pytest.mark.parametrize(("constraint", "options", "fluctuating"), [
    ("fermi", {}, True), ("penalty", {}, True), ("topk", {}, False), ("fermi", {"fluctuating": False}, False)])
def test_soft_gates_of_inputs_fluctuate(constraint, options, fluctuating):
    gates = find_gates(insert_pruners(_network(), 4, "all", constraint, **options))
    assert [gate.fluctuating for gate in gates] == [fluctuating, False, False]
    assert [gate.folded for gate in gates] == [not fluctuating, True, True]
    assert not find_gates(insert_pruners(_network(), 2, "inputs", gate=CancelOut))[0].fluctuating


def test_an_adapted_normalisation_keeps_its_values():
    x = np.random.default_rng(2).normal(3, 5, size=(100, 4)).astype("float32")
    norm = layers.Normalization()
    norm.adapt(x)
    model = keras.Sequential([keras.Input((4,)), norm, layers.Dense(3, activation="relu"), layers.Dense(1)])
    gated = insert_pruners(model, "100%", "all")
    np.testing.assert_allclose(gated.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)


def test_a_second_budget_joins_the_first():
    model = insert_pruners(_network(), 3, "inputs", name="features")
    model = insert_pruners(model, 5, "hidden", gate=CancelOut, name="nodes", sparsity=0.5)
    assert [(b.name, b.nodes, len(b.layers)) for b in find_budgets(model)] == [("features", 3, 1), ("nodes", 5, 2)]
    assert find_gates(model)[-1].sparsity == 0.5


@pytest.mark.parametrize(("nodes", "where", "words"), [
    (0, "hidden", "2 to 13"), (1, "hidden", "2 to 13"), (14, "hidden", "2 to 13"),
    (7, "inputs", "7 features: allowed are 1 to 6"), (3, "nowhere", "'nowhere'.*hidden_1, hidden_2"),
    (3, "logit", "logit"), (3, "hidden_1,hidden_1", "different"), ("x", "all", "'x'")])
def test_impossible_wishes_are_named(nodes, where, words):
    with pytest.raises(ConfigError, match=words):
        insert_pruners(_network(), nodes, where)


def test_a_place_can_be_gated_once():
    with pytest.raises(ConfigError, match="has a gate already"):
        insert_pruners(insert_pruners(_network(), 4), 3, name="again")


def _after(build_rest, shape=(6,)):
    inputs = keras.Input(shape, name="inputs")
    x = layers.Dense(8, activation="relu", name="wide")(inputs)
    return keras.Model(inputs, build_rest(x, inputs))


def _residual(x, inputs):
    return layers.Dense(1)(layers.Add()([x, layers.Dense(8)(inputs)]))


def _layer_norm(x, inputs):
    return layers.Dense(1)(layers.LayerNormalization()(x))


def _softmax(x, inputs):
    return layers.Dense(1)(layers.Softmax()(x))


def _operation(x, inputs):
    return layers.Dense(1)(x * 2.0)


@pytest.mark.parametrize("rest", [_residual, _layer_norm, _softmax, _operation])
def test_what_cannot_be_shrunk_is_refused_at_insertion(rest):
    with pytest.raises(ConfigError, match=r"cannot be shrunk|plain layers"):
        insert_pruners(_after(rest), 3, "wide")


def test_recurrent_layers_that_keep_or_share_states_are_refused():
    inputs = keras.Input((5, 6), name="inputs", batch_size=4)
    for options, words in (({"stateful": True}, "stateful"), ({"name": "x"}, "gets initial_state")):
        start = {} if "stateful" in options else {"initial_state": layers.Dense(4)(layers.Flatten()(inputs))}
        model = keras.Model(inputs, layers.Dense(1, name="logit")(layers.GRU(4, **options)(inputs, **start)))
        with pytest.raises(ConfigError, match=words):
            insert_pruners(model, 2, model.layers[-2].name)
    masked = layers.GRU(4, name="gru")(layers.Masking()(inputs))
    with pytest.raises(ConfigError, match=r"mask|plain layers"):
        insert_pruners(keras.Model(inputs, layers.Dense(1)(masked)), 2, "gru")


def _behind_a_sequence(front):
    inputs = keras.Input((4, 6), name="inputs")
    x = layers.Dense(5, name="dense")(layers.Flatten()(front(inputs)))
    return keras.Model(inputs, layers.Dense(1, name="logit")(x))


class _OwnDense(layers.Dense): ...


@pytest.mark.parametrize("kind", [
    lambda: layers.Bidirectional(layers.GRU(4), name="odd"), lambda: layers.TimeDistributed(layers.Dense(4), name="odd"),
    lambda: layers.Conv1DTranspose(4, 2, name="odd"), lambda: layers.RNN(layers.GRUCell(4), name="odd"),
    lambda: _OwnDense(4, name="odd")])
def test_layers_of_a_kind_that_cannot_be_gated_are_named_and_not_left_out(kind):
    model, x = _behind_a_sequence(kind()), np.random.default_rng(1).normal(size=(50, 4, 6)).astype("float32")
    words = rf"layer 'odd' \({type(model.layers[1]).__name__}\) cannot be gated at '{{}}'.*allowed are Dense, .*GRU, not wrapped"
    for where in ("hidden", "all"):
        with pytest.raises(ConfigError, match=words.format(where)):
            insert_pruners(model, "60%", where)
    for cost in ("multiplications", "luts"):  # what they cost would not be counted
        with pytest.raises(ConfigError, match=f"layer 'odd' .* cannot be counted in {cost}: allowed are Dense"):
            insert_pruners(model, "60%", "dense", cost=cost)
    gated = insert_pruners(model, 3, "dense")
    find_budgets(gated)[0].freeze()
    small, _ = shrink(gated)
    assert small.get_layer("dense").units == 3 and type(small.layers[1]) is type(model.layers[1])
    np.testing.assert_allclose(small.predict(x, verbose=0), gated.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def test_layers_that_make_masks_are_named():
    sequence, words = keras.Input((4, 6), name="inputs"), keras.Input((4,), dtype="int32", name="words")
    masked = layers.Dropout(0.1)(layers.Masking(name="padding")(sequence))
    embedded = layers.Embedding(10, 3, mask_zero=True, name="padding")(words)
    for inputs, x, kind in ((sequence, masked, "Masking"), (words, embedded, "Embedding")):
        model = keras.Model(inputs, layers.Dense(1)(layers.Dense(5, name="front")(layers.GRU(4)(x))))
        with pytest.raises(ConfigError, match=rf"layer 'padding' \({kind}\) makes a mask: allowed are models without masks"):
            insert_pruners(model, 3, "front")


def test_what_is_no_layer_is_named_by_the_layers_before_it():
    inputs = keras.Input((6,), name="inputs")
    x = layers.Dense(5, name="front")(inputs)
    for found, words in (
        (keras.ops.relu(x) * 2.0, r"a bare operation \(Relu\) behind layer 'front': .*plain layers"),
        (x + layers.Dense(5, name="side")(inputs), r"\(Add\) behind layer 'front', 'side': "),
        (keras.Sequential([keras.Input((5,)), layers.Dense(3)], name="inner")(x), "'inner' is a nested model: .*one graph")):
        with pytest.raises(ConfigError, match=words):
            insert_pruners(keras.Model(inputs, layers.Dense(1)(found)), 3, "front")


def test_layers_without_nodes_and_those_of_the_output_may_be_wrapped():
    model = _behind_a_sequence(layers.TimeDistributed(layers.Dropout(0.1)))
    for cost in ("nodes", "multiplications"):
        assert [gate.name for gate in find_gates(insert_pruners(model, "60%", cost=cost))] == ["gate_dense"]
    inputs = keras.Input((4, 6), name="inputs")
    h = layers.Dense(5, name="dense")(inputs)
    assert find_gates(insert_pruners(keras.Model(inputs, h), 2, "inputs"))
    gated = insert_pruners(keras.Model(inputs, layers.Bidirectional(layers.GRU(2))(layers.GRU(3, return_sequences=True)(h))),
                           2, "dense")
    assert [gate.name for gate in find_gates(gated)] == ["gate_dense"]


def test_channels_of_a_group_share_one_gate():
    model = insert_pruners(_network(), 2, "inputs", groups={"inputs": [0, 1, 2, 0, 1, 2]})
    (gate,) = find_gates(model)
    assert (gate.size, gate.width, list(gate.channels)) == (3, 6, [2, 2, 2])
    gate.scores.assign([0.0, 2.0, 1.0])
    find_budgets(model)[0].freeze()
    assert gate.kept().tolist() == [1, 2] and gate.kept_channels().tolist() == [1, 2, 4, 5]
    x = np.random.default_rng(1).normal(size=(50, 6)).astype("float32")
    small, inputs = shrink(model)
    np.testing.assert_allclose(small.predict(x[:, inputs], verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    with pytest.raises(ConfigError, match="5 channels are grouped"):
        insert_pruners(_network(), 2, "inputs", groups={"inputs": [0, 1, 2, 0, 1]})
    with pytest.raises(ConfigError, match="groups of 'hidden_1'"):
        insert_pruners(_network(), 2, "inputs", groups={"hidden_1": [0, 0]})
