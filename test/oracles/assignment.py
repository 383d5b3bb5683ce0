"""Oracle of test/encode/genes/assignment.test.ts: scipy's linear_sum_assignment of genes to pixels, the least cost.

Points are drawn from numpy's RandomState, which cellhue reproduces; test/encode/genes/layouts.ts makes the same ones.
Usage: python test/oracles/assignment.py   (seconds; writes test/fixtures/assignment.json). Needs: scipy.
"""
import json

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment


def layout(kind, n, seed):
    u = np.random.RandomState(seed).random_sample((n, 4))
    if kind == "uniform":
        return u[:, :2]
    if kind == "clustered":  # nine dense spots
        c = np.floor(9 * u[:, 0])
        return np.stack([0.1 + 0.3 * (c % 3) + 0.04 * u[:, 1] * u[:, 2], 0.1 + 0.3 * np.floor(c / 3) + 0.04 * u[:, 1] * u[:, 3]], 1)
    if kind == "collapsed":  # one speck and a few far away
        far = (np.arange(n) % 50 == 0)[:, None]
        return np.where(far, u[:, :2], 0.3 + 0.001 * u[:, 2:])
    if kind == "duplicates":
        return np.floor(5 * u[:, :2]) / 5
    if kind == "line":
        return np.stack([np.arange(n) / n, np.arange(n) / n], 1)
    if kind == "same":
        return np.full((n, 2), 0.4)
    raise ValueError(kind)


def centres(height, width):
    row, column = np.divmod(np.arange(height * width), width)
    return np.stack([(column + 0.5) / width, (row + 0.5) / height], 1)


cases = []
shapes = [(0, 0, 0), (0, 3, 2), (1, 1, 1), (1, 5, 3), (2, 1, 2), (2, 4, 7), (7, 1, 7), (7, 7, 1), (7, 3, 3), (100, 10, 10), (100, 5, 20), (100, 31, 17),
          (500, 20, 25), (500, 40, 40), (1500, 30, 50), (1500, 61, 43)]
for kind in ["uniform", "clustered", "collapsed", "duplicates", "line", "same"]:
    for seed, (n, height, width) in enumerate(shapes):
        p = layout(kind, n, seed)
        d = ((p[:, None] - centres(height, width)[None]) ** 2).sum(2)
        rows, columns = linear_sum_assignment(d)
        cases.append(dict(kind=kind, seed=seed, n=n, height=height, width=width, cost=float(d[rows, columns].sum())))
with open("test/fixtures/assignment.json", "w") as f:
    f.write('{"scipy": "' + scipy.__version__ + '", "cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
