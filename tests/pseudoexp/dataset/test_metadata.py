"""What a file says about itself."""

import json

import pseudoexp
from pseudoexp.dataset import schema
from pseudoexp.dataset.metadata import Provenance, Tally, field_attributes, root_attributes, shared_attributes

TALLY = Tally((700, 650), (1.4e-3, 2.6e5))


def test_shared_attributes():
    """Everything needed to make or judge the rows, with fixed types; only what applies."""
    given = shared_attributes(Provenance('{"a":1}', "0" * 64, 7), TALLY, "f" * 64)
    assert given["configuration"] == '{"a":1}' and given["configuration_hash"] == "0" * 64 and given["dataset_hash"] == "f" * 64
    assert given["seed"] == 7 and given["package_version"] == pseudoexp.__version__
    assert given["format_version"] == schema.FORMAT_VERSION and given["dataset_version"] == schema.DATASET_VERSION
    assert given["events_tried"].dtype == "<i8" and given["events_tried"].tolist() == [700, 650]
    assert given["cross_section"].dtype == "<f8" and given["cross_section"].tolist() == [1.4e-3, 2.6e5]
    further = shared_attributes(Provenance("{}", "0" * 64, 7, shifted='{"b":2}', shard="3/8"), TALLY, "")
    assert set(further) - set(given) == {"shifted_configuration", "shard"}
    assert further["shifted_configuration"] == '{"b":2}' and further["shard"] == "3/8"


def test_root_attributes():
    """Counts are JSON with sorted names."""
    given = root_attributes({"qcd": 3, "hbb": 2}, 5)
    assert given["unique_jets"] == 5 and given["jet_counts"] == '{"hbb":2,"qcd":3}'


def test_classes():
    """The third class is there only if unmatched jets are."""
    assert Provenance("{}", "", 1).classes == list(schema.CLASSES[:2])
    assert Provenance("{}", "", 1, unmatched=True).classes == list(schema.CLASSES)


def test_every_column_has_unit_and_description():
    """Of all datasets; units are those of the fields, a description is a sentence or a part of one."""
    for fields in (schema.JET_FIELDS, schema.TRACK_FIELDS, schema.VARIATION_FIELDS, schema.PAIR_FIELDS):
        given = field_attributes(fields)
        units, descriptions = json.loads(given["units"]), json.loads(given["descriptions"])
        assert list(units) == sorted(f.name for f in fields) == list(descriptions)
        assert all(units[f.name] == f.unit and descriptions[f.name] == f.description != "" for f in fields)
    units = json.loads(field_attributes(schema.JET_FIELDS)["units"])
    assert units["pt"] == units["mass"] == "MeV" and units["eta"] == ""
