import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pseudoexp.engines import driver as module
from pseudoexp.engines.driver import Driver, driver
from pseudoexp.engines.settings import EngineSettings, pythia_lines
from pseudoexp.errors import ConfigError, MissingExtra

HARD_ONLY = "PartonLevel:all = off"


@pytest.mark.parametrize(("module", "name"), [("pythia8mc", "pythia8mc"), ("awkward", "awkward")])
def test_missing_extra_says_what_to_install(monkeypatch, module, name):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"{name} is not installed: pip install 'pseudoexp\[pythia\]'"):
        Driver(("HardQCD:all = on",))


def test_unknown_setting_is_named_and_nothing_is_printed(capfd):
    pytest.importorskip("pythia8mc")
    with pytest.raises(ConfigError, match="Foo:bar = 3"):
        Driver(("Foo:bar = 3",))
    assert capfd.readouterr() == ("", "")


def test_failed_start_gives_the_reasons_of_pythia(capfd):
    pytest.importorskip("pythia8mc")
    lines = ("Beams:eCM = 14000", "HardQCD:all = on", "PhaseSpace:pTHatMin = 7500")
    with pytest.raises(ConfigError, match="vanishing cross section"):
        Driver(lines)
    assert capfd.readouterr() == ("", "")


def hard_momenta(pythia, name, n=3):
    pythia.seed(name)
    return pythia.events(n).info.pT2Hat.to_list()


def test_state_follows_the_name_alone():
    pytest.importorskip("pythia8mc")
    pythia = Driver((*pythia_lines(1, EngineSettings()), HARD_ONLY))
    first = hard_momenta(pythia, "a")
    assert hard_momenta(pythia, "b") != first
    assert hard_momenta(pythia, "a") == first


def test_both_halves_of_the_hash_count(monkeypatch):
    pytest.importorskip("pythia8mc")
    pythia = Driver((*pythia_lines(1, EngineSettings()), HARD_ONLY))

    class Digest:
        def __init__(self, *halves):
            self.value = b"".join(half.to_bytes(8, "little") for half in halves)

        def digest(self):
            return self.value

    seen = []
    for halves in ((5, 7), (6, 7), (5, 8)):
        monkeypatch.setattr("pseudoexp.engines.driver.hashlib.blake2b", lambda *_, h=halves, **__: Digest(*h))
        seen.append(tuple(hard_momenta(pythia, "any")))
    assert len(set(seen)) == 3


def test_charm_is_redrawn():
    pytest.importorskip("pythia8mc")
    lines = (*pythia_lines(0, EngineSettings()), HARD_ONLY)
    for without, expected in ((False, True), (True, False)):
        pythia = Driver(lines, without)
        pythia.seed("charm")
        info = pythia.events(400).info
        incoming = {abs(i) for i in (*info.id1.to_list(), *info.id2.to_list())}
        assert {5, 21} <= incoming and (4 in incoming) == expected


def test_one_object_per_settings_and_thread():
    pytest.importorskip("pythia8mc")
    lines = (*pythia_lines(1, EngineSettings()), HARD_ONLY)
    first = driver(lines)
    assert driver(tuple(lines)) is first
    assert driver((*lines, "Tune:pp = 14")) is not first
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: (driver(lines), driver(lines))).result()
    assert other[0] is other[1] and other[0] is not first


def test_only_a_few_objects_are_kept(monkeypatch):
    made = []
    monkeypatch.setattr(module, "Driver", lambda *key: made.append(key) or object())
    monkeypatch.setattr(module._of_thread, "drivers", {})
    for k in (0, 1, 0, 2, 3, 0, 4, 0, 1):  # 1 is the oldest when 4 comes
        driver((str(k),))
    assert [key[0][0] for key in made] == ["0", "1", "2", "3", "4", "1"]
    assert len(module._of_thread.drivers) == 4
