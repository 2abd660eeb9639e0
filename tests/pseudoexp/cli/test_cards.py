"""`pseudoexp cards`: what is shown of a card is all of it, and makes the same card again."""

import pytest

from pseudoexp.cli.app import app, run
from pseudoexp.config import list_cards, load_card


def shown(capsys, name):
    assert run(app, ["cards", "show", str(name)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", list_cards())
def test_a_card_made_of_what_is_shown_is_the_same(capsys, tmp_path, name):
    """Dotted keys are TOML, and so are the values but for tuples, None and truth values."""
    written = tmp_path / f"{name}.toml"
    text = shown(capsys, name).translate(str.maketrans("()", "[]")).replace("True", "true").replace("False", "false")
    written.write_text(text)
    assert load_card(written) == load_card(name)


def test_what_a_card_changes_and_what_it_takes_from_its_base(capsys, tmp_path):
    (tmp_path / "mine.toml").write_text('base = "atlas-itk"\n[solenoid]\nfield = 3.8\n')
    mine, base = (shown(capsys, card).splitlines() for card in (tmp_path / "mine.toml", "atlas-itk"))
    assert {a for a, b in zip(mine, base, strict=True) if a != b} == {"name = 'mine'", "solenoid.field = 3.8"}


def test_names_alone_are_listed(capsys):
    assert run(app, ["cards", "list"]) == 0
    assert tuple(capsys.readouterr().out.split()) == tuple(list_cards())
