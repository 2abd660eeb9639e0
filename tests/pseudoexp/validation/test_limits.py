"""The limits file says what may be how large, and nothing that it says is overlooked."""

import pytest

from pseudoexp.errors import ConfigError
from pseudoexp.validation.limits import Limits, load_limits


def written(tmp_path, text):
    path = tmp_path / "limits.toml"
    path.write_text(text)
    return path


def test_default_limits():
    limits = load_limits()
    assert limits.of("rows", "auc") == 0.6 and limits.of("rows", "total_variation") == 0.04
    assert limits.of("reference", "mean") == 0.03 and limits.of("reference", "spread") == 0.05
    assert limits.of("rows", "mean") is None and limits.expected_below == 0.03


def test_own_limits(tmp_path):
    limits = load_limits(written(tmp_path, "sigmas = 3\n[rows]\nauc = 0.55\n"))
    assert limits == Limits({"rows": {"auc": 0.55}}, sigmas=3.0)


@pytest.mark.parametrize(("text", "message"), [
    ("[rows]\nauk = 0.5", "'auk'.*allowed: mean"),
    ("[columns]\nauc = 0.5", "'columns'.*rows, reference, particles"),
    ("rows = 3", "'rows'"),
    ("[rows]\nauc = 'small'", "'small'; allowed: a number"),
    ("[rows]\nauc = -0.1", "-0.1"),
    ("sigmas = true", "True"),
    ("[rows", "not TOML"),
])
def test_mistakes_are_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_limits(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load_limits(tmp_path / "none.toml")
