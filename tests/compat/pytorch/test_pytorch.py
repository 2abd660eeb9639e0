"""The reader's arrays and batches are what PyTorch takes: no data set class of our own is needed."""

import numpy as np
import pytest
from mock_file import mock_file

import pseudoexp

torch = pytest.importorskip("torch")
data = pytest.importorskip("torch.utils.data")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return mock_file(tmp_path_factory.mktemp("pytorch") / "a.h5", n=3000)


class Rows(data.IterableDataset):
    """Batches from the file; each of several workers takes every n-th."""

    def __init__(self, path):
        self.path = path

    def __iter__(self):
        worker = data.get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for i, batch in enumerate(pseudoexp.load(self.path, None).batches(500)):
            if i % step == first:
                yield torch.from_numpy(batch.data), torch.from_numpy(batch.target)


@pytest.mark.parametrize("split", [None, "train"])
def test_data_set_in_memory(path, split):
    loaded = pseudoexp.load(path, split)
    tensors = data.TensorDataset(torch.from_numpy(loaded.data), torch.from_numpy(loaded.target))
    assert len(tensors) == len(loaded.target) and tensors[7][0].dtype == torch.float32
    got = torch.cat([x for x, _ in data.DataLoader(tensors, batch_size=256)])
    assert np.array_equal(got.numpy(), loaded.data)


@pytest.mark.parametrize("workers", [0, 2])
def test_streaming(path, workers):
    loader = data.DataLoader(Rows(path), batch_size=None, num_workers=workers)
    got = torch.cat([x for x, _ in loader]).numpy()
    wanted = pseudoexp.load(path, None).data
    assert np.array_equal(got[np.lexsort(got.T)], wanted[np.lexsort(wanted.T)])
