"""What a file says about itself: versions, seed, configuration, counts, cross-sections, units.

Everything needed to make or judge the rows stands in the root's attributes and again on `jets`, because
virtual files that join several drop the root's attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pseudoexp import __version__
from pseudoexp.dataset import schema
from pseudoexp.dataset.digest import canonical_json

LOCATORS = "block_locators"
"""Attribute of each dataset (`DatasetDigest.locators`). No group or further dataset: tools that join files read all."""


@dataclass(frozen=True)
class Provenance:
    """Where the rows come from.

    Attributes
    ----------
    configuration : str
        Canonical JSON of everything the rows depend on, the number of rows included.
    configuration_hash : str
        SHA-256 that names the endless sequence of rows (the number of rows left out).
    seed : int
        The seed.
    unmatched : bool
        Signal jets that are not `hbb` are kept as `other`.
    shifted : str
        Canonical JSON of the configuration under a second card; empty for files of one card.
    shard : str
        Which part of a production the file holds, such as "3/8"; empty for whole ones.
    """

    configuration: str
    configuration_hash: str
    seed: int
    unmatched: bool = False
    shifted: str = ""
    shard: str = ""

    @property
    def classes(self) -> list[str]:
        """Names of the values of `flavour_label`."""
        return list(schema.CLASSES if self.unmatched else schema.CLASSES[:2])


@dataclass(frozen=True)
class Tally:
    """What was tried per process (signal, QCD).

    Attributes
    ----------
    events_tried : tuple of int
        Events tried up to the last row.
    cross_section : tuple of float
        Mean weight of the events of all chunks used [pb]; 0 for a process without rows.
    """

    events_tried: tuple[int, int]
    cross_section: tuple[float, float]


def shared_attributes(provenance: Provenance, tally: Tally, dataset_hash: str) -> dict[str, Any]:
    """Return the attributes that stand at the root and on `jets`."""
    further = {"shifted_configuration": provenance.shifted, "shard": provenance.shard}
    return {
        "format_version": schema.FORMAT_VERSION,
        "dataset_version": schema.DATASET_VERSION,
        "package_version": __version__,
        "seed": provenance.seed,
        "configuration": provenance.configuration,
        "configuration_hash": provenance.configuration_hash,
        "dataset_hash": dataset_hash,
        "events_tried": np.array(tally.events_tried, dtype="<i8"),
        "cross_section": np.array(tally.cross_section, dtype="<f8"),
    } | {name: text for name, text in further.items() if text}


def root_attributes(counts: dict[str, int], unique_jets: int) -> dict[str, Any]:
    """Return the attributes of the root alone: rows per class (JSON) and different jets."""
    return {"unique_jets": unique_jets, "jet_counts": canonical_json(counts)}


def field_attributes(fields: tuple[schema.Field, ...]) -> dict[str, str]:
    """Return units and descriptions of the columns as JSON maps."""
    return {"units": canonical_json({f.name: f.unit for f in fields}),
            "descriptions": canonical_json({f.name: f.description for f in fields})}
