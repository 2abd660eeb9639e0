"""Every command of the README and of the site's pages: its options are real, and it runs as it stands, with smaller numbers."""

import re
import runpy
import shlex
import tomllib

import numpy as np
import pytest
import site_commands
import site_pages
import workplace

from pseudoexp.benchmark import registry

pytest.importorskip("keras")
site_reference = pytest.importorskip("site_reference")
ROOT = site_pages.ROOT
PAGES = [source for source in site_pages.sources() if site_commands.commands(source) or site_commands.inline(source)]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
TARGETS = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def check(command, complete=True):
    """Fail if there is no such command, or if it does not have such an option or argument."""
    words = [re.sub(r"\$\{?\w+\}?|\$\(.*?\)", "1", word) for word in command.words]
    if words[0] == "exec":
        words = words[1:]
    if words[0] == "make":
        assert set(words[1:]) <= set(TARGETS), command
    elif words[:2] == ["pip", "install"]:
        for extras in re.findall(r"\[(.*?)\]", command.text):
            assert set(extras.split(",")) <= set(EXTRAS), command
    elif words[:3] == ["python3", "-m", "venv"]:
        return
    elif words[:2] in (["python", "-m"], ["python3", "-m"]):
        parse(command, words[2], words[3:], complete)
    else:
        assert words[0] == "python" and words[1].endswith(".py"), f"{command}: no command that we know"
        text = (ROOT / words[1]).read_text()
        assert all(f'"{word}"' in text for word in words[2:] if word.startswith("--")), command


def parse(command, program, words, complete):
    """Parse a command of ours, as the command line itself does; of an incomplete one, what there is of it."""
    words = [word for word in words if word != "..."]
    here = site_reference.program(program)
    context = here.context_class(here, info_name=program)
    while words and hasattr(here, "list_commands") and not words[0].startswith("-"):
        found = here.get_command(context, words[0])
        assert found is not None, f"{command}: no command {words[0]!r}"
        here, words = found, words[1:]
    assert not complete or not hasattr(here, "list_commands"), f"{command}: incomplete"
    options = {name for parameter in here.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options | {"--help"}, command
    if complete:
        here.make_context(command.text, words)


@pytest.mark.parametrize("source", PAGES)
def test_commands_are_those_of_the_command_line(source):
    for command in site_commands.commands(source):
        check(command)
    for command in site_commands.inline(source):
        check(command, complete=False)


@pytest.mark.parametrize("text", [
    "python -m pseudoexp generat --n 3 --out a.h5", "python -m pseudoexp generate --n 3 --out a.h5 --turbo",
    "python -m pseudoexp generate --n 3", "python -m pseudoexp generate --n 3 --out a.h5 --seed x", "python -m tagger train",
    "python -m pseudoexp cards", "make cake", "pip install '.[cake]'", "python examples/none.py",
    "python bench/scaling.py --turbo", "generate --n 3"])
def test_wrong_commands_are_found(text):
    with pytest.raises(Exception):
        check(site_commands.Command("page", 1, tuple(shlex.split(text))))


def test_no_exception_is_in_vain():
    everything = [c for source in site_pages.sources() for c in site_commands.commands(source)]
    for kind in ("exception", "exit", "smaller"):
        for rule in site_commands.rules()[kind]:
            assert any(site_commands.fits(rule, command) for command in everything), rule


def steps(source):
    """Return a page's commands and Python blocks, in order."""
    for block in site_commands.blocks(source):
        if block.language in site_commands.SHELLS:
            yield from site_commands.in_block(block)
        elif block.language == "python":
            yield block


def pages_with(kind):
    return [source for source in PAGES if kind in map(site_commands.how, site_commands.commands(source))]


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    yield lambda source: workplace.prepare(source, tmp_path, monkeypatch)
    registry.releases.cache_clear()


@pytest.mark.parametrize(("source", "slow"), [
    *(pytest.param(source, False, id=source) for source in pages_with(site_commands.QUICK)),
    *(pytest.param(source, True, id=f"{source}-slow", marks=pytest.mark.slow) for source in pages_with(site_commands.SLOW))])
def test_page_runs(source, slow, prepare, capfd):
    prepare(source)
    names = workplace.names(source)
    for step in steps(source):
        if not isinstance(step, site_commands.Command):
            exec(compile(step.text, f"{step.source}:{step.line}", "exec"), names)
        elif site_commands.how(step) in (site_commands.QUICK, site_commands.SLOW if slow else ""):
            for words in workplace.in_parts(site_commands.smaller(step)):
                code = workplace.run(words)
                message = f"{step}\nran as {shlex.join(words)}: {code}\n"
                assert code in site_commands.exit_codes(step), message + capfd.readouterr().err[-2000:]


def test_a_model_is_resized_as_the_reference_shows():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(1)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
    names = {"model": model, "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
             "x": rng.normal(size=(64, 6)).astype("float32"), "y": rng.integers(0, 3, 64)}
    for block in site_commands.blocks("docs/api.md"):
        exec(compile(block.text, f"{block.source}:{block.line}", "exec"), names)
    assert names["small"].layers[1].units == names["again"].layers[1].units == 4
    assert len(names["again"].history.history["loss"]) == 10


def test_demo_is_the_tutorial_in_one_go():
    """The example runs the same steps, in the same order, as the tutorial's commands."""
    made = [shlex.split(template)[1] for template, _ in runpy.run_path(str(ROOT / "examples" / "demo.py"))["STEPS"]]
    told = [c.words[3] for c in site_commands.commands("docs/tutorial.md") if c.words[:2] == ("python", "-m")]
    assert [word for word in dict.fromkeys(told) if word in made] == made
