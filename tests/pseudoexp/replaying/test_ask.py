"""The process that tells a story: what it answers, and what is said where it does not."""

from dataclasses import replace

import pytest
from toy_story import toy_story

from pseudoexp.errors import ConfigError, GenerationError, MissingExtra
from pseudoexp.production.run_config import RunConfig
from pseudoexp.replaying import ask as module
from pseudoexp.replaying.ask import ask
from pseudoexp.replaying.request import Request

REQUEST = Request(RunConfig.from_options(1, engine="builtin", seed=3), 0, 20)
ANSWERS = ("import os, pickle, sys; from pathlib import Path; request = pickle.loads(Path(sys.argv[1]).read_bytes()); "
           "Path(sys.argv[2]).write_bytes(pickle.dumps({}))")


def asked(monkeypatch, program):
    monkeypatch.setattr(module, "_START", f"import sys, json; sys.path[:] = json.loads(sys.argv[3]); {program}")
    return ask(REQUEST)


def test_the_story_comes_back(monkeypatch):
    story = asked(monkeypatch, ANSWERS.format("__import__('toy_story').toy_story(number=request.number)"))
    assert story.number == 40 and story.rows.tobytes() == toy_story().rows.tobytes()


def test_kernels_run_there_as_plain_python(monkeypatch, capfd):
    with pytest.raises(ConfigError) as error:
        asked(monkeypatch, "print('noise'); " + ANSWERS.format("('ConfigError', os.environ['NUMBA_DISABLE_JIT'])"))
    assert str(error.value) == "1" and capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("kind", "raised"), [
    (GenerationError, GenerationError), (ConfigError, ConfigError), (MissingExtra, ConfigError)])
def test_its_errors_are_raised_here(monkeypatch, kind, raised):
    with pytest.raises(raised, match=r"^what it said$") as error:
        asked(monkeypatch, ANSWERS.format(repr((kind.__name__, "what it said"))))
    assert error.value.exit_code == raised.exit_code


@pytest.mark.parametrize(("program", "said"), [
    ("raise ZeroDivisionError('over there')", "ZeroDivisionError: over there"), ("import os; os.abort()", "status -6|Aborted")])
def test_a_process_that_fails_is_our_failure_in_one_line(monkeypatch, program, said):
    with pytest.raises(GenerationError, match=rf"^event 40, seed 3: the replay failed \(({said})\)$") as error:
        asked(monkeypatch, program)
    assert error.value.exit_code == 1


def test_a_missing_engine_is_told_before_anything_starts(monkeypatch):
    request = Request(replace(REQUEST.config, engine="pythia8"), 0, 20)
    monkeypatch.setattr("pseudoexp.optional.find_spec", lambda name: None)
    monkeypatch.setattr(module.subprocess, "run", lambda *words, **options: pytest.fail("started"))
    with pytest.raises(MissingExtra, match=r"pseudoexp\[pythia\]"):
        ask(request)
