"""Oracle of test/embed/neighbour-map.test.ts: places of new samples among training samples, and their gradients.

Places: scikit-learn's KNeighborsRegressor on the unit sphere with the biweight kernel as weights (its bandwidth is the
distance to the next neighbour). Distances: its kneighbors. Gradients of projection and rule by the expression: PyTorch in float64.
Inputs are drawn from numpy's RandomState, which cellhue reproduces.
Usage: python test/oracles/neighbour_map.py   (writes test/fixtures/neighbour_map.json). Needs: scikit-learn, torch.
"""
import json
import os

import numpy as np
import torch
from sklearn.neighbors import KNeighborsRegressor, NearestNeighbors

SLACK, TINY = 1e-6, 1e-30


def drawn(seed, *dims):
    return np.random.RandomState(seed).standard_normal(dims).astype(np.float32)


def unit(a): return a / np.linalg.norm(a, axis=1, keepdims=True)


def squared_distances(a, b):
    return torch.relu((a ** 2).sum(1, keepdim=True) + (b ** 2).sum(1) - 2 * a @ b.T)


def sphere(a): return a / ((a ** 2).sum(1, keepdim=True) + TINY).sqrt()


def rule(scores, reference, places, m):
    """the rule in torch, for gradients"""
    n = len(reference)
    count = min(m, n)
    most = min(count + 1, n)
    angular = squared_distances(sphere(scores), sphere(reference))
    h = torch.topk(angular, most, 1, False, True).values[:, [most - 1]] * (1 + SLACK) + TINY
    w = torch.relu(1 - angular / h) ** 2
    near = torch.topk(squared_distances(scores, reference), count, 1, False, True).values
    return w @ places / w.sum(1, keepdim=True), near.mean(1, keepdim=True).sqrt()


cases = []
for seed, (n, k, axes, genes, new, m) in enumerate([(40, 5, 4, 9, 7, 15), (17, 3, 2, 4, 5, 15), (16, 2, 4, 6, 3, 15), (15, 4, 1, 5, 4, 15),
                                                    (4, 2, 2, 3, 3, 15), (2, 1, 4, 2, 3, 15), (1, 1, 4, 3, 2, 15), (30, 50, 4, 60, 6, 3), (25, 6, 3, 8, 1, 1)]):
    x, mean = drawn([seed, 0], new, genes), drawn([seed, 1], genes)
    loadings = drawn([seed, 2], k, genes)
    reference, places = drawn([seed, 3], n, k), drawn([seed, 4], n, axes)
    ex = torch.tensor(x.astype(np.float64), requires_grad=True)
    t = lambda a: torch.tensor(a.astype(np.float64))
    scores = (ex - t(mean)) @ t(loadings).T
    out, distance = rule(scores, t(reference), t(places), m)
    dy = drawn([seed, 5], new, axes).astype(np.float64)
    out.backward(torch.tensor(dy))
    s = scores.detach().numpy()
    if n > m:  # scikit-learn's own form of the rule: neighbours m + 1, the last of which sets the bandwidth
        weights = lambda d: np.maximum(0, 1 - d ** 2 / (d[:, -1:] ** 2 * (1 + SLACK) + TINY)) ** 2
        fit = KNeighborsRegressor(m + 1, weights=weights, algorithm="brute").fit(unit(reference.astype(np.float64)), places.astype(np.float64))
        sk = fit.predict(unit(s)).reshape(new, axes)
        assert np.allclose(sk, out.detach().numpy(), atol=1e-9), np.abs(sk - out.detach().numpy()).max()
    d = NearestNeighbors(n_neighbors=min(m, n), algorithm="brute").fit(reference.astype(np.float64)).kneighbors(s)[0]
    assert np.allclose(np.sqrt((d ** 2).mean(1)), distance.detach().numpy()[:, 0])
    cases.append(dict(n=n, components=k, axes=axes, genes=genes, new=new, neighbours=m, places=out.detach().numpy().ravel().tolist(),
                      distance=distance.detach().numpy().ravel().tolist(), gradient=ex.grad.numpy().ravel().tolist()))

text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/neighbour_map.json"), "w").write(text)
print(len(cases), "cases", len(text), "bytes")
