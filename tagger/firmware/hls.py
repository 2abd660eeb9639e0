"""hls4ml: the network as a Vitis HLS project, under a top function of ours that makes the decision.

J. Duarte et al., "Fast inference of deep neural networks in FPGAs for particle physics", JINST 13 (2018) P07027.
The precision of every layer follows from the quantised network (hls4ml's bit-exact pass), so the numbers in the C++ are
those of Keras. Weights stand in the headers, not in text files, so that the project and its library can be moved.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.optional import require
from tagger.firmware.capture import captured
from tagger.firmware.hls_top import NETWORK, Top, put_on_top
from tagger.firmware.target import Target

if TYPE_CHECKING:
    import keras

HLS_BACKEND = "Vitis"


@dataclass
class HlsProject:
    """A written project.

    Attributes
    ----------
    graph : hls4ml.model.ModelGraph
        What hls4ml made of the network.
    top : Top
        The function around it.
    """

    graph: Any
    top: Top

    @property
    def reuse(self) -> dict[str, int]:
        """Reuse factor of each dense layer: the nearest to the one asked for that hls4ml can build."""
        return {layer.name: int(layer.get_attr("reuse_factor")) for layer in self.graph.get_layers()
                if layer.class_name == "Dense"}

    @property
    def input_format(self) -> str:
        """C++ type of the input port, common to all inputs."""
        return _type_name(self.graph.get_input_variables()[0])

    @property
    def logit_format(self) -> str:
        """C++ type of the output."""
        return _type_name(self.graph.get_output_variables()[0])


def require_hls4ml() -> Any:
    """Return the hls4ml module.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    return require("hls4ml", "fpga")


def require_compiler() -> None:
    """Make sure that g++ is there.

    Raises
    ------
    ConfigError
        If it is not.
    """
    if shutil.which("g++") is None:
        raise ConfigError("g++ is not installed: the bit check compiles the C simulation with it (apt install g++)")


def write_project(network: keras.Model, folder: Path, target: Target, log: Path, threshold: float) -> HlsProject:
    """Convert a network and write its project.

    Parameters
    ----------
    network : keras.Model
        `tagger.quantise.firmware_part` of a quantised network.
    folder : Path
        Where to write it.
    target : Target
        What for.
    log : Path
        File that gets what hls4ml prints.
    threshold : float
        The decision is logit >= threshold.

    Raises
    ------
    GenerationError
        If hls4ml cannot convert it, or writes it in a way that is not known.
    """
    hls4ml = require_hls4ml()
    os.environ.setdefault("TQDM_DISABLE", "1")
    strategy = "Latency" if target.reuse == 1 else "Resource"
    try:
        with captured(log, f"hls4ml {hls4ml.__version__}"):
            config = hls4ml.utils.config_from_keras_model(network, granularity="name", backend=HLS_BACKEND,
                                                          default_reuse_factor=target.reuse)
            config["Model"]["Strategy"] = strategy
            graph = hls4ml.converters.convert_from_keras_model(
                network, hls_config=config, backend=HLS_BACKEND, output_dir=str(folder), project_name=NETWORK,
                part=target.part, clock_period=target.clock_ns, io_type="io_parallel", write_weights_txt=False)
            graph.write()
    except Exception as error:
        raise GenerationError(f"hls4ml cannot convert the network ({_last_error(log, error)})") from None
    words, logit = graph.get_input_variables()[0], graph.get_output_variables()[0]
    precision = logit.type.precision
    top = Top(int(words.size()), words.name, words.type.name, logit.type.name, bool(precision.signed), int(precision.width),
              int(precision.integer), threshold)
    put_on_top(folder, top)
    return HlsProject(graph, top)


def make_relocatable(folder: Path) -> None:
    """Take the folder's own path out of the text files hls4ml wrote, so that it can be renamed."""
    for path in folder.glob("*.yml"):
        text = path.read_text()
        path.write_text(text.replace(f"{folder}/", "").replace(str(folder), "."))


def _type_name(variable: Any) -> str:
    return str(variable.type.precision.definition_cpp())


def _last_error(log: Path, error: Exception) -> str:
    """Return the first line of the log that says `error:`, else the exception's."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    said = [line for line in lines if "error:" in line]
    return " ".join((said[0] if said else f"{type(error).__name__}: {error}").split())[:200]
