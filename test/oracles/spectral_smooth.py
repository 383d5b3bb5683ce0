"""Oracle of test/encode/spectral-smooth.test.ts: the smooth spectral painter and its gradients, by PyTorch in float64.

`painter`: image and gradient by the four numbers, among them limits of the training range and what lies beyond. `chain`:
gradient by the genes, through projection, out-of-sample rule (see neighbour_map.py) and painter.
Inputs are drawn from numpy's RandomState, which cellhue reproduces.
Usage: python test/oracles/spectral_smooth.py   (writes test/fixtures/spectral_smooth.json). Needs: torch, numpy.
"""
import json, os
import numpy as np, torch

EPSILON, EDGE, SLACK, TINY = 1e-8, 1 / 3, 1e-6, 1e-30
LOW, HIGH = np.float32([-3, 0, -100, 2]), np.float32([5, 1e-3, 100, 2.5])


def wide(a): return torch.tensor(np.asarray(a, np.float32).astype(np.float64))
def uniform(seed, *dims): return np.random.RandomState(seed).random_sample(dims)
def normal(seed, *dims): return wide(np.random.RandomState(seed).standard_normal(dims))


def paint(numbers, low, high, size, point=3):
    share = (numbers - low) / (high - low + EPSILON)
    # The bounds have the gradient of what lies inside, unlike torch.clamp's.
    share = torch.where(share < 0, 0, torch.where(share > 1, 1, share))
    line = torch.arange(size, dtype=torch.float64)
    def band(axis):
        gap = line - (share[:, [axis]] * (size - 1) - 0.5)
        return torch.sigmoid((point + 0.5 - gap) / EDGE) * torch.sigmoid((point + 0.5 + gap) / EDGE)
    return share[:, [0, 2, 3], None, None] * band(1)[:, None, :, None] * band(0)[:, None, None, :]


def rule(scores, reference, places, m=15):
    sphere = lambda a: a / ((a ** 2).sum(1, keepdim=True) + TINY).sqrt()
    a, b = sphere(scores), sphere(reference)
    angular = torch.relu((a ** 2).sum(1, keepdim=True) + (b ** 2).sum(1) - 2 * a @ b.T)
    h = torch.topk(angular, m + 1, 1, False, True).values[:, [m]] * (1 + SLACK) + TINY
    w = torch.relu(1 - angular / h) ** 2
    return w @ places / w.sum(1, keepdim=True)


def digest(a):
    a = a.detach().numpy().ravel()
    j = np.arange(1, a.size + 1)
    at = np.unique(np.linspace(0, a.size - 1, 6).astype(int))
    return dict(norm=float(np.linalg.norm(a)), waves=[float((a * np.cos(k * j)).sum()) for k in (1, 2)], at=at.tolist(), values=a[at].tolist())


painter = []
for size in (1, 8, 33):
    share = uniform([size, 0], 9, 4)
    share[5:9] = np.array([[0], [1], [-0.5], [1.5]])
    numbers = wide(wide(LOW) + wide(share) * (wide(HIGH) - wide(LOW))).requires_grad_()
    image = paint(numbers, wide(LOW), wide(HIGH), size)
    image.backward(wide(2 * uniform([size, 1], *image.shape) - 1))
    painter.append(dict(size=size, numbers=numbers.detach().numpy().ravel().tolist(), image=digest(image), gradient=numbers.grad.numpy().ravel().tolist()))

n, k, genes, new, size = 30, 4, 9, 5, 24
x = normal([1, 0], new, genes).requires_grad_()
mean, loadings, reference, places = normal([1, 1], genes), normal([1, 2], k, genes), normal([1, 3], n, k) * 3, normal([1, 4], n, 4)
scores = (x - mean) @ loadings.T
place = rule(scores, wide(reference), places)
seen = torch.stack([places[:, 0], places[:, 1], wide(reference)[:, 0], places[:, 2]], 1)
image = paint(torch.stack([place[:, 0], place[:, 1], scores[:, 0], place[:, 2]], 1), seen.amin(0), seen.amax(0), size)
image.backward(wide(2 * uniform([1, 5], *image.shape) - 1))
chain = dict(n=n, components=k, genes=genes, new=new, size=size, image=digest(image), gradient=x.grad.numpy().ravel().tolist())
json.dump(dict(painter=painter, chain=chain), open(os.path.join(os.path.dirname(__file__), "../fixtures/spectral_smooth.json"), "w"), separators=(",", ":"))
