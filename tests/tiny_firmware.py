"""Exported folders of a network of six weights made by hand: quick, without Keras."""

import json

import numpy as np

from tagger.firmware import verilog
from tagger.firmware.adder_graph import AdderGraph
from tagger.firmware.fixed_point import FixedLayer, FixedNetwork
from tagger.firmware.rows import CheckRows

INPUTS = ("pt", "mass")
THRESHOLD = 0.5


def whole(*values):
    return np.array(values, dtype=np.int64)


def network():
    """Two inputs, two ReLU nodes, the logit."""
    hidden = FixedLayer(whole(1, 0), whole(2, 3), whole(3, 1), False, whole(3, -2, 1, 5).reshape(2, 2), whole(7, -4), 2, 3, True)
    last = FixedLayer(whole(0, 0), whole(3, 3), whole(2, 2), True, whole(3, -5).reshape(2, 1), whole(1), 2, 2, False)
    return FixedNetwork(whole(0, -3), (hidden, last))


def rows(net, count=300):
    """Rows around and beyond the inputs' ranges, with the network's logits."""
    x = np.random.default_rng(1).normal(0.0, [3.0, 60.0], (count, 2)).astype(np.float32)
    return CheckRows(x, (x[:, 0] > 0).astype(np.int8), np.ones(count), np.arange(count), net.logits(x).astype(np.float32), count)


def write(folder, levels=2.0):
    """Write a Verilog export; return what its firmware.json says, and the network."""
    net = network()
    graph = AdderGraph.of(net, THRESHOLD).pipelined(levels)
    ports = verilog.ports_of(graph, INPUTS)
    folder.mkdir(parents=True)
    verilog.write_project(folder, graph, ports, "xcvu13p-flga2577-2-e", 5.0)
    summary = {"backend": "verilog", "part": "xcvu13p-flga2577-2-e", "clock_ns": 5.0, "ports": verilog.to_dict(ports),
               "decision": {"logit": THRESHOLD}, "pipeline": {"additions_per_stage": levels},
               "input_words": [{"name": name} for name in INPUTS]}
    (folder / "firmware.json").write_text(json.dumps(summary))
    net.save(folder / "network.json")
    rows(net).save(folder / "check.npz")
    return summary, net


def write_onnx(folder):
    """Write an ONNX export: the logit is the first input minus the second."""
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    kernel = numpy_helper.from_array(np.array([[1.0], [-1.0]], dtype=np.float32), "kernel")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["inputs", "kernel"], ["logit"])], "tiny",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", 1])], [kernel])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "firmware.json").write_text(json.dumps({"backend": "onnx", "inputs": list(INPUTS)}))
    found = rows(network())
    CheckRows(found.x, found.y, found.weight, found.event, found.x[:, 0] - found.x[:, 1], 300).save(folder / "check.npz")
