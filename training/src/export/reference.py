"""The network small in PyTorch, written by fervis-train export.

    network = load()
    logits = network(prepare(crop))
    probabilities = torch.softmax(logits / TEMPERATURE, 1)

`crop` is a face: a square of 1 times the longer side of its box, 0 sides below the box's center, as luma
(ITU-R BT.601, 0 to 255) of 8×8 pixels (bilinear). The logits are in the order of LABELS.
License of the weights: MIT
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
WIDTH, HEIGHT = 8, 8
MEAN, STD = 0.5, 0.5
TEMPERATURE = 1.5
WEIGHTS = Path(__file__).with_name("small.pt")


class Compact(nn.Module):
    """Images (b, 1, 8, 8) to logits (b, 7)."""

    def __init__(self):
        super().__init__()
        self.stage1 = nn.ModuleDict({
            "conv1": nn.Conv2d(1, 2, 3, padding=1, bias=False),
            "bn1": nn.BatchNorm2d(2, eps=1e-5),
            "squeeze": nn.Linear(2, 1),
            "excite": nn.Linear(1, 2),
        })
        self.stage2 = nn.ModuleDict({
            "conv1": nn.Conv2d(2, 4, 3, padding=1, bias=False),
            "bn1": nn.BatchNorm2d(4, eps=1e-5),
            "conv2": nn.Conv2d(4, 4, 3, padding=1, bias=False),
            "bn2": nn.BatchNorm2d(4, eps=1e-5),
            "conv3": nn.Conv2d(4, 4, 3, padding=1, bias=False),
            "bn3": nn.BatchNorm2d(4, eps=1e-5),
            "squeeze": nn.Linear(4, 2),
            "excite": nn.Linear(2, 4),
        })
        self.fc = nn.Linear(4, 7)

    def forward(self, x):
        x = F.relu(self.stage1.bn1(self.stage1.conv1(x)))
        x = F.max_pool2d(x, 2)
        y = x.mean((2, 3))
        y = F.relu(self.stage1.squeeze(y))
        y = torch.sigmoid(self.stage1.excite(y))
        x = x * y[:, :, None, None]
        x = F.relu(self.stage2.bn1(self.stage2.conv1(x)))
        y = F.relu(self.stage2.bn2(self.stage2.conv2(x)))
        y = self.stage2.bn3(self.stage2.conv3(y))
        x = F.relu(y + x)
        y = x.mean((2, 3))
        y = F.relu(self.stage2.squeeze(y))
        y = torch.sigmoid(self.stage2.excite(y))
        x = x * y[:, :, None, None]
        x = x.mean((2, 3))
        x = F.dropout(x, 0.4, self.training)
        x = self.fc(x)
        return x


def prepare(luma):
    """Luma from 0 to 255, (HEIGHT, WIDTH) or (b, HEIGHT, WIDTH), as the network takes it."""
    luma = torch.as_tensor(luma, dtype=torch.float32).reshape(-1, 1, HEIGHT, WIDTH)
    return (luma / 255 - MEAN) / STD


def load(path=WEIGHTS):
    """The network with its weights, for inference."""
    network = Compact()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()
