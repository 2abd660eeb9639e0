"""Two files are compared only where that says something."""

import json

import numpy as np
import pytest
from mock_file import mock_file, mock_jets

from pseudoexp.dataset import schema
from pseudoexp.errors import DataError
from pseudoexp.validation.samples import EXTRAS, read_samples, require_comparable

BASE = {"engine": "mock", "pt_bias": 4.0, "pthat_min": 150.0, "pileup": 0.0, "dataset_version": "1",
        "card": {"name": "atlas-itk", "field": 2.0}}


@pytest.fixture
def files(tmp_path):
    def make(**other):
        one = mock_file(tmp_path / "a.h5", 300, configuration=json.dumps(BASE))
        return one, mock_file(tmp_path / "b.h5", 300, 2, configuration=json.dumps(BASE | other))
    return make


def test_columns_come_in_the_chains_units(tmp_path):
    samples = read_samples(mock_file(tmp_path / "a.h5", 400))
    assert samples["hbb"].names == (*schema.INPUTS, *EXTRAS) and samples["hbb"].inputs == 39
    rows = mock_jets(400)
    signal = rows[:, schema.row("flavour_label")] == 0
    for name in ("mass", "vr2_jf_dr", "tau21", "massUntrimmed"):
        assert samples["hbb"].column(name) == pytest.approx(rows[signal, schema.row(name)], rel=1e-5)
    assert samples["qcd"].rows().data.shape == (200, 39)
    assert np.array_equal(samples["qcd"].event, rows[~signal, schema.row("eventNumber")].astype(int))


def test_another_engine_is_what_it_is_for(files):
    assert require_comparable(*files(engine="other")) == ["both files are parts of one sequence of rows: they share events"]


@pytest.mark.parametrize(("key", "value"), [("pt_bias", 0.0), ("pthat_min", 250.0)])
def test_another_sampling_is_refused_whatever_is_asked(files, key, value):
    for anyway in (False, True):
        with pytest.raises(DataError, match=f"sampled differently: {key}"):
            require_comparable(*files(**{key: value}), anyway)


@pytest.mark.parametrize(("change", "text"), [
    ({"pileup": 60.0}, "pileup 0.0 and 60.0"), ({"dataset_version": "2"}, "dataset_version 1 and 2"),
    ({"card": {"name": "atlas-itk", "field": 1.0}}, "card.field 2.0 and 1.0"),
])
def test_other_circumstances_are_refused_unless_wanted(files, change, text):
    pair = files(**change)
    with pytest.raises(DataError, match=rf"{text}; --anyway"):
        require_comparable(*pair)
    assert f"the files differ in {text}" in require_comparable(*pair, anyway=True)


def test_too_few_rows_are_refused(tmp_path):
    with pytest.raises(DataError, match="50 rows of class hbb"):
        read_samples(mock_file(tmp_path / "a.h5", 100))
