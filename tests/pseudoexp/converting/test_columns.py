"""The flat list of columns: names, types, meanings, values."""

import numpy as np
import pytest
from mock_file import mock_file

from pseudoexp.converting.columns import Column, all_columns, chosen_columns, lengths
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError


@pytest.fixture(scope="module")
def info(tmp_path_factory):
    return probe(mock_file(tmp_path_factory.mktemp("columns") / "a.h5", n=20))


def test_names_are_flat(info):
    """Those of `jets` as they are, others behind their dataset's name, without dots; `valid` is left out."""
    columns = all_columns(info)
    names = [column.name for column in columns]
    assert names[:len(schema.JET_FIELDS)] == [f.name for f in schema.JET_FIELDS] and len(set(names)) == len(names)
    assert not any("." in name for name in names) and "tracks_valid" not in names
    for column in columns:
        assert column.name == (column.field if column.dataset == "jets" else f"{column.dataset}_{column.field}").replace(".", "p")
        assert column.jagged == (column.dataset == "tracks") and column.description and column.dtype.isnative
    known = {f.name: f for f in schema.JET_FIELDS}
    for column in (column for column in columns if column.dataset == "jets"):
        assert (column.unit, column.description) == (known[column.field].unit, known[column.field].description)


def test_choice(info):
    """In the order asked for, each once; groups stand for all of theirs."""
    assert [c.name for c in chosen_columns(info, ["mass", "pt", "mass"])] == ["mass", "pt"]
    assert [c.field for c in chosen_columns(info, ["inputs"])] == [f.name for f in schema.JET_FIELDS if f.name in schema.INPUTS]
    assert chosen_columns(info, None) == all_columns(info)
    assert {c.dataset for c in chosen_columns(info, ["jets"])} == {"jets"}
    with pytest.raises(ConfigError, match="no column 'ptt'; allowed: inputs, jets"):
        chosen_columns(info, ["ptt"])
    with pytest.raises(ConfigError, match="columns is empty"):
        chosen_columns(info, [])


def test_values_of_tracks_stand_one_behind_the_other():
    """Only valid ones, in the order of rows; any byte but 0 is true; other byte orders become this machine's."""
    tracks = np.zeros((3, 4), np.dtype([("valid", "?"), ("d0", ">f4"), ("flag", "?")]))
    tracks["valid"][0, :2], tracks["valid"][2, 3] = True, True
    tracks["d0"] = np.arange(12).reshape(3, 4)
    tracks["flag"].view(np.uint8)[0] = 0, 7, 0, 0
    d0 = Column("tracks_d0", "tracks", "d0", np.dtype("<f4"), "mm", "")
    flag = Column("tracks_flag", "tracks", "flag", np.dtype("?"), "", "")
    values = d0.values({"tracks": tracks})
    assert values.tolist() == [0.0, 1.0, 11.0] and values.dtype == np.dtype("<f4")
    assert flag.values({"tracks": tracks}).tolist() == [False, True, False]
    assert lengths({"tracks": tracks}).tolist() == [2, 0, 1]
