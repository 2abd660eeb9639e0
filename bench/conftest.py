"""Options of the benchmarks, and the kernels' stopwatch."""

import pytest

from pseudoexp.core import laps


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=30, help="repetitions of each benchmark")


@pytest.fixture(scope="session")
def rounds(request):
    """Return how often to repeat a benchmark."""
    return request.config.getoption("--rounds")


@pytest.fixture
def stopwatch():
    """Let kernels measure their stages."""
    laps.measure(True)
    yield
    laps.measure(False)
