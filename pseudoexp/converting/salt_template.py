"""A configuration with which Salt trains at once: the 39 inputs alone, or with tracks a small transformer over them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from pseudoexp.dataset import schema

TRACK_INPUTS = tuple(field.name for field in schema.TRACK_FIELDS if field.dtype == "<f4")
_HEAD = """\
# Made by `pseudoexp convert --to salt`.   salt fit --config salt.yaml --force
name: $name

model:
  lrs_config: {initial: 1.0e-5, max: 1.0e-3, end: 1.0e-6, pct_start: 0.1, weight_decay: 1.0e-5}
  model:
    class_path: salt.models.SaltModel
    init_args:
"""
_JETS = """\
      init_nets:
        - input_name: jets
          attach_global: false
          dense_config: {output_size: &width 32, hidden_layers: [64], activation: ReLU}
"""
_TRACKS = """\
      init_nets:
        - input_name: tracks
          dense_config: {output_size: &embedding 64, hidden_layers: [64], activation: ReLU}
      encoder:
        class_path: salt.models.Transformer
        init_args:
          embed_dim: *embedding
          num_layers: 2
          out_dim: &width 64
          attn_type: torch-math
          attn_kwargs: {num_heads: 4}
          dense_kwargs: {activation: ReLU}
      pool_net:
        class_path: salt.models.GlobalAttentionPooling
        init_args: {input_size: *width}
"""
_TASKS = """\
      tasks:
        class_path: torch.nn.ModuleList
        init_args:
          modules:
            - class_path: salt.models.ClassificationTask
              init_args:
                name: jets_classification
                input_name: jets
                label: flavour_label
                sample_weight: benchmarkWeight
                loss: {class_path: torch.nn.CrossEntropyLoss, init_args: {reduction: none}}
                dense_config: {input_size: *width, output_size: $classes, hidden_layers: [16], activation: ReLU}
"""
_ORIGIN = """\
            - class_path: salt.models.ClassificationTask
              init_args:
                name: track_origin
                input_name: tracks
                label: ftagTruthOriginLabel
                weight: 0.5
                use_class_dict: true
                loss: torch.nn.CrossEntropyLoss
                dense_config: {input_size: *width, output_size: 8, hidden_layers: [32], activation: ReLU, context_size: *width}
"""
_DATA = """\

data:
  train_file: "$folder/train.h5"
  val_file: "$folder/val.h5"
  test_file: "$folder/test.h5"
  norm_dict: "$folder/norm_dict.yaml"
  class_dict: "$folder/class_dict.yaml"
  variables:
    jets: $jets
"""
_TRAINER = """\
  batch_size: 1000
  num_workers: 2

trainer:
  max_epochs: 20
  accelerator: auto
  devices: 1
"""


def configuration(folder: Path, classes: Sequence[str], tracks: int) -> str:
    """Return the text of `salt.yaml` for files in a folder, classes of jets and up to `tracks` tracks per jet (0: none)."""
    parts = [_HEAD, _TRACKS if tracks else _JETS, _TASKS, _ORIGIN if tracks else "", _DATA,
             "    tracks: $tracks\n" if tracks else "", _TRAINER]
    return Template("".join(parts)).substitute(
        name="pseudoexp", classes=len(classes), folder=json.dumps(str(folder))[1:-1], jets=_list(schema.INPUTS),
        tracks=_list(TRACK_INPUTS))


def _list(names: Sequence[str]) -> str:
    """Return names as an indented YAML list."""
    return "".join(f"\n      - {name}" for name in names)
