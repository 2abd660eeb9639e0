"""The strict loader: what is wrong is named, with the value and what is allowed."""

from dataclasses import dataclass, replace
from typing import Annotated

import pytest

from pseudoexp.config import Range, from_mapping, list_cards, load_card, read_card, to_mapping
from pseudoexp.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    width: Annotated[float, Range(0.0, 1.0)]
    on: bool = True

    def __post_init__(self):
        if self.width == 0.5:
            raise ConfigError("width = 0.5; allowed: anything else")


@dataclass(frozen=True)
class Outer:
    name: str
    count: Annotated[int, Range(1, 10)]
    inner: Inner
    grid: Annotated[tuple[tuple[float, ...], ...], Range(0.0, 5.0)] = ()


GOOD = {"name": "a", "count": 3, "inner": {"width": 1}, "grid": [[1, 2.5], [3]]}


def test_values_are_converted_and_come_back():
    config = from_mapping(Outer, GOOD, "file")
    assert config == Outer("a", 3, Inner(1.0), ((1.0, 2.5), (3.0,)))
    assert isinstance(config.inner.width, float)
    assert from_mapping(Outer, to_mapping(config), "file") == config


@pytest.mark.parametrize(("change", "parts"), [
    ({"count": 11}, ("count", "11", "1 to 10")),
    ({"count": 2.0}, ("count", "2.0", "whole number")),
    ({"count": True}, ("count", "True", "whole number")),
    ({"name": 5}, ("name", "5", "text")),
    ({"colour": 1}, ("unknown key colour", "name, count, inner, grid")),
    ({"inner": {"width": 0.1, "depth": 1}}, ("inner.depth", "width, on")),
    ({"inner": {"width": float("nan")}}, ("inner.width", "nan", "finite")),
    ({"inner": {"width": 1, "on": 1}}, ("inner.on", "true or false")),
    ({"inner": {"width": 0.5}}, ("inner.width = 0.5", "anything else")),
    ({"inner": 3}, ("inner = 3", "table")),
    ({"inner": {}}, ("missing key inner.width",)),
    ({"grid": [[1, 2], [3, 9]]}, ("grid[1][1]", "9", "0 to 5")),
    ({"grid": "no"}, ("grid", "'no'", "list")),
])
def test_mistakes_are_named(change, parts):
    with pytest.raises(ConfigError) as error:
        from_mapping(Outer, {**GOOD, **change}, "some.toml")
    message = str(error.value)
    assert message.startswith("some.toml: ") and "\n" not in message
    assert all(part in message for part in parts), message


def test_all_cards_load_and_say_their_names():
    assert {"atlas-itk", "atlas-run2", "hlt", "perfect", "worse-impact"} <= set(list_cards())
    for name in list_cards():
        card = load_card(name)
        assert card.name == name and card.description


def test_worse_impact_parameters_are_all_that_differs():
    worse, nominal = load_card("worse-impact"), load_card("atlas-itk")
    assert worse.tracking == replace(nominal.tracking, impact_scale=1.1)
    own = {"name": nominal.name, "description": nominal.description, "tracking": nominal.tracking}
    assert replace(worse, **own) == nominal  # the calibration, too


def test_a_card_of_ones_own_builds_on_a_base(tmp_path):
    (tmp_path / "first.toml").write_text('base = "hlt"\n[tracking]\nfake_rate = 0.25\n')
    (tmp_path / "second.toml").write_text('base = "first.toml"\n[calorimeter]\nthreshold = 1.5\n')
    card, hlt = load_card(tmp_path / "second.toml"), load_card("hlt")
    assert (card.tracking.fake_rate, card.calorimeter.threshold, card.name) == (0.25, 1.5, "second")
    assert card.tracking.min_pt == hlt.tracking.min_pt and card.material == hlt.material
    assert card.calibration == hlt.calibration


def test_bad_cards_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no card 'atlas'; allowed: atlas-itk, .*\.toml"):
        load_card("atlas")
    (tmp_path / "a.toml").write_text('base = "b.toml"\n')
    (tmp_path / "b.toml").write_text('base = "a.toml"\n')
    with pytest.raises(ConfigError, match="circle"):
        read_card(tmp_path / "a.toml")
    (tmp_path / "c.toml").write_text("[tracking\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_card(tmp_path / "c.toml")
    (tmp_path / "d.toml").write_text('base = "atlas-itk"\n[tracking]\nd0_um = [[1, 2, 3]]\n')
    with pytest.raises(ConfigError, match=r"tracking\.d0_um has 1 entries; allowed: 6"):
        load_card(tmp_path / "d.toml")
    (tmp_path / "e.toml").write_text('base = 3\n')
    with pytest.raises(ConfigError, match="base = 3"):
        load_card(tmp_path / "e.toml")
