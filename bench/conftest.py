"""Options of the benchmarks."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=30, help="repetitions of each benchmark")


@pytest.fixture(scope="session")
def rounds(request):
    """Return how often to repeat a benchmark."""
    return request.config.getoption("--rounds")
