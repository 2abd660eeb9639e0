"""The file contract: 39 contiguous float32 inputs, units, padding, event numbers."""

import numpy as np

from pseudoexp.dataset import schema


def test_39_contiguous_inputs_come_first():
    assert len(schema.INPUTS) == 39 and len(set(schema.INPUTS)) == 39
    offsets = [schema.JET_DTYPE.fields[name][1] for name in schema.INPUTS]
    assert offsets == list(range(0, 39 * 4, 4))
    assert {schema.JET_DTYPE.fields[name][0] for name in schema.INPUTS} == {np.dtype("<f4")}
    assert schema.INPUTS[:3] == ("pt", "eta", "mass") and schema.INPUTS[3] == "vr1_pt" and schema.INPUTS[21] == "vr2_pt"


def test_types_are_padded_to_8_bytes():
    for dtype in (schema.JET_DTYPE, schema.TRACK_DTYPE):
        assert dtype.itemsize % 8 == 0
        assert dtype.itemsize - sum(dtype.fields[n][0].itemsize for n in dtype.names) < 8


def test_momenta_become_mev():
    matrix = np.ones((2, len(schema.JET_FIELDS)))
    jets = schema.pack_jets(matrix)
    for field in schema.JET_FIELDS:
        expected = 1000 if field.unit == "MeV" else 1
        assert (jets[field.name] == expected).all(), field.name


def test_padding_is_nan_minus_one_and_invalid():
    tracks = schema.pack_tracks(np.full((1, 3, len(schema.TRACK_FIELDS)), np.nan))
    assert not tracks["valid"].any()
    assert (tracks["ftagTruthOriginLabel"] == -1).all() and (tracks["vr_jet"] == -1).all()
    assert np.isnan(tracks["d0"]).all()


def test_event_numbers_are_unique_and_every_residue_holds_both_classes():
    events = np.arange(1000)
    numbers = [schema.file_event_number(process, events) for process in (0, 1)]
    assert len(np.unique(numbers)) == 2000
    for residues in (n % 10 for n in numbers):
        assert (np.bincount(residues) == 100).all()
    for process in (0, 1):
        for event in (0, 9, 10, 123456):
            assert schema.engine_event_number(int(schema.file_event_number(process, event))) == (process, event)


def test_joining_keeps_the_padding():
    rows = schema.pack_jets(np.ones((3, len(schema.JET_FIELDS))))
    joined = schema.join([rows[:1], rows[1:]])
    assert joined.dtype == schema.JET_DTYPE and joined.tobytes() == rows.tobytes()
    tracks = schema.pack_tracks(np.ones((4, 2, len(schema.TRACK_FIELDS))))
    assert schema.join([tracks[:3], tracks[3:]]).tobytes() == tracks.tobytes()


def test_the_page_of_columns_is_current():
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("make_file_page", Path(__file__).parents[3] / "docs/make_file_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page()
