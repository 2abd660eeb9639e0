"""Rows of two cards belong together by their true jet; nothing is lost, nothing counted twice."""

import numpy as np
import pytest

from pseudoexp.dataset import schema
from pseudoexp.production.pairing import OneCard, TrueJets, joined, matched


def true_jets(*events):
    """Return true jets of events given as lists of (eta, phi), numbered from 250 on."""
    values = np.zeros((len(events), 64, 4))
    for i, jets in enumerate(events):
        for k, (eta, phi) in enumerate(jets):
            values[i, k] = 300.0 - k, eta, phi, 80.0 + k
    return TrueJets(250, np.array([len(jets) for jets in events]), values)


TRUE = true_jets([(0.0, 3.1), (1.0, 0.0)], [], [(0.0, 0.0), (0.5, 0.0)])


@pytest.mark.parametrize(("rows", "expected"), [
    ([(0, 400.0, 0.1, -3.1), (0, 300.0, 1.2, 0.2)], [0, 1]),  # across phi = pi
    ([(0, 400.0, 0.0, 1.5)], [-1]), ([(1, 400.0, 0.0, 0.0)], [-1]),
    ([(2, 300.0, 0.2, 0.0), (2, 400.0, 0.1, 0.0)], [1, 0]),  # the harder one chooses first
    ([(2, 400.0, 0.1, 0.0), (2, 300.0, 0.2, 0.0), (2, 200.0, 0.2, 0.0)], [0, 1, -1]), ([], [])])
def test_matched(rows, expected):
    table = np.array(rows, float).reshape(-1, 4)
    assert matched(table[:, 0].astype(int), table[:, 1:], TRUE).tolist() == expected


def card(process, *rows):
    """Return rows given as (event, true jet, pT)."""
    table = np.array(rows, float).reshape(-1, 3)
    jets = np.zeros(len(rows), schema.JET_DTYPE)
    number = table[:, 0].astype(np.int64)
    jets["pt"], jets["eventNumber"] = table[:, 2], schema.file_event_number(process, number + 250)
    jets["flavour_label"], jets["mcEventWeight"], jets["vr_concentric"], jets["vr1_n_b"] = process, 0.5 + number, True, 2
    return OneCard(jets, number, table[:, 1].astype(np.int64))


def test_outer_join():
    nominal = card(1, (0, 1, 500.0), (0, 0, 400.0), (2, -1, 300.0))
    shifted = card(1, (0, 0, 410.0), (2, -1, 310.0), (2, 1, 320.0))
    a, b = joined(nominal, shifted, TRUE)
    assert a["pt"][a["passes_nominal"]].tolist() == [400.0, 500.0, 300.0]
    assert b["pt"][b["passes_shifted"]].tolist() == [410.0, 320.0, 310.0]
    for table in (a, b):
        assert table["truthJet"].tolist() == [0, 1, 1, -1, -1]
        assert list(zip(table["passes_nominal"], table["passes_shifted"], strict=True)) == [
            (True, True), (True, False), (False, True), (True, False), (False, True)]
        assert table["eventNumber"].tolist() == schema.file_event_number(1, np.array([250, 250, 252, 252, 252])).tolist()
        assert table["mcEventWeight"].tolist() == [0.5, 0.5, 2.5, 2.5, 2.5] and (table["flavour_label"] == 1).all()
        assert table["truthJetPt"][:3].tolist() == [300e3, 299e3, 299e3] and np.isnan(table["truthJetPt"][3:]).all()
        assert table["truthJetPhi"][0] == np.float32(3.1) and table["truthJetMass"][1] == 81e3


def test_columns_of_a_card_under_which_there_is_no_row():
    a, b = joined(card(0, (0, 0, 400.0)), card(0), TRUE)
    assert len(a) == len(b) == 1 and not b["passes_shifted"][0]
    for field in schema.JET_FIELDS:
        value = b[field.name][0]
        if field.name in (*schema.EVENT_COLUMNS, "flavour_label"):
            assert value == a[field.name][0]
        elif field.dtype == "?":
            assert not value
        else:
            assert value == -1 if "i" in field.dtype else np.isnan(value)


def test_nothing_at_all():
    a, b = joined(card(0), card(0), TRUE)
    assert len(a) == len(b) == 0 and a.dtype == schema.PAIR_DTYPE
