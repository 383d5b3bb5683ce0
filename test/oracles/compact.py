"""Oracle of test/net/compact.test.ts: the compact net's logits, loss, gradients and running statistics by PyTorch.

Weights, images and masks as in nets.py. Usage: OMP_NUM_THREADS=1 python test/oracles/compact.py (writes test/fixtures/compact.json)
"""
import json, math, os
import numpy as np, torch

CLASSES = 5


class Dropout(torch.nn.Dropout):
    def forward(self, x):
        if not self.training: return x
        m = (np.random.RandomState([5, 0]).random_sample(x.numel()) < 1 - self.p).astype(np.float32) / np.float32(1 - self.p)
        return x * torch.tensor(m).reshape(x.shape)


class Compact(torch.nn.Module):
    def __init__(self, h, w):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 64, 5, 2, 2, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(64)
        self.conv2 = torch.nn.Conv2d(64, 64, 3, 2, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(64)
        self.dropout = Dropout(0.5)
        half = lambda s: (s + 1) // 2
        self.fc = torch.nn.Linear(64 * half(half(h)) * half(half(w)), CLASSES)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.fc(self.dropout(torch.flatten(x, 1)))


def fill(net):
    state = [(k, v) for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")]
    with torch.no_grad():
        for i, (name, v) in enumerate(state):
            u = 2 * np.random.RandomState([2026, i]).random_sample(v.numel()) - 1
            last = name.rsplit(".", 1)[1]
            if v.dim() == 4: w = u * math.sqrt(6 / np.prod(v.shape[1:]))
            elif v.dim() == 2: w = u / math.sqrt(v.shape[1])
            elif name.startswith("fc"): w = 0.1 * u
            else: w = {"weight": 1 + 0.2 * u, "bias": 0.2 * u, "running_mean": 0.2 * u, "running_var": 1 + 0.5 * u}[last]
            v.copy_(torch.tensor(w.astype(np.float32)).reshape(v.shape))


def images(seed, n, h, w):
    return torch.tensor(np.random.RandomState([seed, n]).random_sample(n * 3 * h * w).astype(np.float32)).reshape(n, 3, h, w)


cases = []
for n, h, w in [(3, 24, 33), (2, 8, 8), (4, 48, 48)]:
    net = Compact(h, w); fill(net); net.eval()
    with torch.no_grad(): logits = net(images(1, n, h, w)).double().flatten().tolist()
    net.double().train()
    loss = torch.nn.functional.cross_entropy(net(images(2, n, h, w).double()), torch.tensor([i % CLASSES for i in range(n)]))
    loss.backward()
    grads = {k: [float(p.grad.norm()), float(p.grad.flatten()[0]), float(p.grad.flatten()[-1])] for k, p in net.named_parameters()}
    running = {k: v[:3].tolist() for k, v in net.state_dict().items() if "running" in k}
    cases.append(dict(n=n, h=h, w=w, logits=logits, loss=float(loss), grads=grads, running=running))
open(os.path.join(os.path.dirname(__file__), "../fixtures/compact.json"), "w").write(json.dumps(cases))
