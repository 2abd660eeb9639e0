"""What subcommands print and how they read lists."""

import pytest

from pseudoexp.errors import ConfigError
from tagger.cli.terminal import epoch_line, exactly_one, numbers, rejection_text, words


@pytest.mark.parametrize(("text", "found"), [("64,32, 16", (64, 32, 16)), ("", ()), ("8,", (8,)), ("0", (0,))])
def test_lists_of_numbers(text, found):
    assert numbers(text, "--hidden") == found


@pytest.mark.parametrize("text", ["64,x", "-1", "1.5", "1e3", "64 32"])
def test_other_lists_are_refused_by_their_options_name(text):
    with pytest.raises(ConfigError, match=r"--hidden '.*': whole numbers with commas are allowed"):
        numbers(text, "--hidden")


def test_lists_of_words():
    assert words(None) is None and words("") == () and words(" mass, D2 ,") == ("mass", "D2")


def test_exactly_one_option_even_if_it_is_empty():
    assert exactly_one({"nodes": None, "luts": "300"}) == ("luts", "300")
    assert exactly_one({"nodes": "", "luts": None}) == ("nodes", "")
    for given, count in (({"nodes": None, "luts": None}, 0), ({"nodes": "8", "luts": "300"}, 2)):
        with pytest.raises(ConfigError, match=f"exactly one of --nodes, --luts is needed, {count} are given"):
            exactly_one(given)


@pytest.mark.parametrize(("value", "error", "text"), [(153.4, 12.3, "153 +- 12"), (99.94, 3.21, "99.9 +- 3.2")])
def test_digits_of_a_rejection(value, error, text):
    assert rejection_text({"rejection": value, "rejection_error": error}) == text


def test_a_rejection_of_everything_is_a_limit():
    assert rejection_text({"rejection": None, "rejection_above": 1234.5}) == "> 1.23e+03"


@pytest.mark.parametrize(("seconds", "text"), [(99.4, "99 s left"), (100.0, "2 min left"), (0.0, "0 s left")])
def test_time_left(capsys, seconds, text):
    epoch_line(3, 20, {"loss": 0.5, "val_loss": 0.25, "val_auc": 0.9}, seconds)
    assert capsys.readouterr().out == f"epoch   3/20  loss 0.5000  val loss 0.2500  val AUC 0.9000  {text}\n"
