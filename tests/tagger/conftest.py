"""A small made-up file and a network trained on it, made once."""

import pytest
from mock_file import mock_file


@pytest.fixture(scope="session")
def small_file(tmp_path_factory):
    return mock_file(tmp_path_factory.mktemp("data") / "small.h5", n=6000, seed=3)


@pytest.fixture(scope="session")
def small_data(small_file):
    from tagger.data import TaggerData

    return TaggerData.load(small_file)


@pytest.fixture(scope="session")
def small_run(small_data):
    from tagger.train import TrainConfig, train

    return train(small_data, TrainConfig(hidden=(16, 8), epochs=5, batch=64, seed=5))


@pytest.fixture(scope="session")
def small_folder(small_run, tmp_path_factory):
    return small_run.save(tmp_path_factory.mktemp("runs") / "base")
