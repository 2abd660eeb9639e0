"""Expressions: what they mean is what Python means; what is not on the list is refused, and nothing is ever run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudoexp.dataset import schema
from pseudoexp.dataset.expression import Expression
from pseudoexp.errors import ConfigError

KNOWN = {name: schema.JET_DTYPE[name] for name in schema.JET_DTYPE.names}


def rows(n=400, seed=3):
    rng = np.random.default_rng(seed)
    table = np.zeros(n, schema.JET_DTYPE)
    for name in ("pt", "mass", "eta", "vr1_ip3d_bu", "D2"):
        table[name] = rng.normal(0.0, 2.0, n)
    table["vr1_has_sv"] = rng.random(n) < 0.5
    table["flavour_label"] = rng.integers(0, 3, n)
    table["eventNumber"] = rng.integers(0, 2**62, n)
    return table


@pytest.mark.parametrize("text", [
    "pt > 1", "pt > 1 and mass < 0.5", "pt > 1 or not mass < 0.5 and eta > 0", "-1 < eta <= 1 != pt", "abs(eta) < 1.5",
    "vr1_has_sv", "not vr1_has_sv", "vr1_has_sv and flavour_label == 1", "flavour_label != 2", "eventNumber % 10 == 9",
    "(pt + mass) / 2 - eta * 3 > .5", "-pt > +mass", "sqrt(abs(pt)) > 1", "2 > log(abs(D2) + 1) > 0.1",
    "vr1_has_sv == True", "vr1_has_sv > 0.5"])
def test_means_what_python_means(text):
    table = rows()
    names = {"abs": abs, "log": np.log, "sqrt": np.sqrt}
    slowly = [bool(eval(text, names, {n: row[n] if row[n].dtype.kind != "f" else np.float64(row[n]) for n in table.dtype.names}))
              for row in table]
    found = Expression(text, KNOWN, condition=True)(table)
    assert found.dtype == np.bool_ and found.tolist() == slowly and 0 < sum(slowly) < len(table)


@pytest.mark.parametrize(("ours", "python"), [("pt > 1 & mass < 0", None), ("(pt > 1) & (mass < 0)", "pt > 1 and mass < 0"),
                                              ("(pt > 1) | ~(mass < 0)", "pt > 1 or not mass < 0")])
def test_conditions_with_signs(ours, python):
    if python is None:
        with pytest.raises(ConfigError, match=r"'1' is a number, not a condition \(parentheses around"):
            Expression(ours, KNOWN, condition=True)
        return
    table = rows()
    assert (Expression(ours, KNOWN, condition=True)(table) == Expression(python, KNOWN, condition=True)(table)).all()


def test_numbers_and_columns():
    expression = Expression("vr1_ip3d_bu + 2 * vr2_ip3d_bu - D2", KNOWN, condition=False)
    assert expression.columns == ("vr1_ip3d_bu", "vr2_ip3d_bu", "D2")
    table = rows()
    assert expression(table) == pytest.approx(table["vr1_ip3d_bu"].astype(float) - table["D2"])


def test_whole_numbers_stay_exact_and_wide():
    table = rows()
    table["eventNumber"][0] = 2**62 + 1
    table["flavour_label"][0] = 2
    assert Expression(f"eventNumber == {2**62 + 1}", KNOWN, condition=True)(table)[0]
    assert Expression("flavour_label * 3000000000 == 6000000000", KNOWN, condition=True)(table)[0]


def test_what_is_not_a_number_fails_comparisons():
    table = rows()
    table["pt"][:3] = (-1.0, 0.0, 1.0)
    table["mass"] = 0.0
    assert Expression("log(pt) < 5", KNOWN, condition=True)(table)[:3].tolist() == [False, True, True]
    assert Expression("pt / mass > 0", KNOWN, condition=True)(table)[:3].tolist() == [False, False, True]


@pytest.mark.parametrize(("text", "message"), [
    ("", "1 to 2000"), ("   ", "1 to 2000"), ("pt >", "cannot be understood"), ("ptt > 1", "no column 'ptt'; near: pt"),
    ("Mass > 1", "near: mass"), ("ip3d > 1", "vr1_ip3d_bu"), ("pt", "is a number; allowed: a condition"),
    ("pt and mass", "'pt' is a number"), ("not pt", "'pt' is a number"), ("(pt > 1) + 2 > 1", "'pt > 1' is a condition"),
    ("1 < 2", "names no column"), ("exp(pt) > 1", "no function 'exp'"), ("abs(pt, 2) > 1", "cannot be used"),
    ("abs(x=pt) > 1", "cannot be used"), ("pt.real > 1", "cannot be used"), ("pt[0] > 1", "cannot be used"),
    ("__import__('os').system('true')", "cannot be used"), ("open('x') > 1", "no function 'open'"),
    ("(lambda: pt)() > 1", "cannot be used"), ("[pt for pt in (1,)] > 1", "cannot be used"),
    ("pt == 'a'", "cannot be used"), ("pt > 1j", "cannot be used"), ("pt ** 2 > 1", "cannot be used"),
    ("pt // 2 > 1", "cannot be used"), ("pt is mass", "cannot be used"), ("pt in mass", "cannot be used"),
    ("pt > 1e999", "cannot be used"), ("pt > " + "9" * 400, "cannot be used"), ("pt > " + "9" * 1900, "cannot be used"),
    ("pt if pt > 1 else mass", "cannot be used"), ("pt > 1; mass > 1", "cannot be understood"),
    ("(x := pt) > 1", "cannot be used"), ("f'{pt}' > 1", "cannot be used"),
    ("pt > " + "(" * 300 + "1" + ")" * 300, "cannot be understood"), ("pt > " + "-" * 60 + "1", "deeper than 50"),
    ("pt > 1" + " " * 3 + "\0", "cannot be"), ("not " * 700 + "pt > 1", "1 to 2000")])
def test_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        Expression(text, KNOWN, condition=True)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_kind_of_the_result():
    with pytest.raises(ConfigError, match="is a condition; allowed: a number"):
        Expression("pt > 1", KNOWN, condition=False, what="score")


@given(st.text(alphabet="ptmas 0123456789.+-*/%<>=!&|~()andornotlg,'[]{}:;\\\n_", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_values_or_one_line(text):
    table = rows(20)
    try:
        found = Expression(text, KNOWN, condition=True)(table)
    except ConfigError as error:
        assert "\n" not in str(error).replace(text, "")
    else:
        assert found.shape == (20,) and found.dtype == np.bool_
