"""The help that is printed has every word of its text."""

from printed_help import lost_words

from pseudoexp.cli.app import app, run


def test_words_in_brackets_are_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")

    def shown(words):
        assert run(app, words) == 0
        return capsys.readouterr().out

    assert lost_words(app, shown) == {}
    assert "Inelastic cross-section [mb]." in shown(["rate", "--help"])
