"""PyTorch: a Dataset of all rows in memory, or block by block from the file: python examples/with_pytorch.py data.h5"""

import sys

import torch
from torch.utils.data import DataLoader, TensorDataset

import pseudoexp

train, test = (pseudoexp.load(sys.argv[1], split) for split in ("train", "test"))
dataset = TensorDataset(*(torch.from_numpy(train[name]).float() for name in ("data", "target", "weight")))
model = torch.nn.Sequential(torch.nn.BatchNorm1d(39), torch.nn.Linear(39, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
optimiser = torch.optim.Adam(model.parameters(), 3e-3)
for data, target, weight in DataLoader(dataset, batch_size=500, shuffle=True):
    optimiser.zero_grad()
    torch.nn.functional.binary_cross_entropy_with_logits(model(data)[:, 0], target, weight).backward()
    optimiser.step()
model.eval()
right = sum(int(((model(torch.from_numpy(b.data))[:, 0] > 0).numpy() == b.target).sum()) for b in test.batches(10_000))
print(f"{len(dataset)} jets to train with; {right} of {len(test.target)} test jets right")
