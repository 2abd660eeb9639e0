"""Which event is asked for."""

import pytest

from pseudoexp.dataset.schema import file_event_number
from pseudoexp.errors import ConfigError
from pseudoexp.production.run_config import RunConfig
from pseudoexp.replaying.request import numbered


@pytest.fixture(scope="module")
def config():
    return RunConfig.from_options(1, engine="builtin")


def test_the_number_says_the_process(config):
    request = numbered(config, "123456", "qcd")
    assert (request.process, request.event, request.number) == (1, 61726, 123456)
    assert numbered(config, 40, None).process == 0
    for process in (0, 1):
        for event in (0, 9, 10, 4711):
            found = numbered(config, file_event_number(process, event), None)
            assert (found.process, found.event) == (process, event)


@pytest.mark.parametrize(("number", "process", "message"), [
    (123456, "signal", "is a qcd event.*--process qcd, or an event such as 123446"), (-1, None, "event = -1"),
    ("x", None, "event = 'x'"), (5, "top", "process 'top'; allowed: signal, qcd"), (2**60, None, "event = ")])
def test_wrong_numbers(config, number, process, message):
    with pytest.raises(ConfigError, match=message):
        numbered(config, number, process)
