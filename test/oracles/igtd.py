"""Oracle of test/encode/genes/igtd*.test.ts, gene-distances.test.ts and distance-ranks.test.ts.

Distances by scipy's cdist, ranks by its rankdata, and the algorithm of Zhu et al. 2021 written anew from the paper, in its
plainest form: the error of every exchange is computed over all pairs. One gene to each pixel, genes at first in their order
along the rows. Its constants: 30,000 steps at most; 500 steps that together bring less than a millionth end it.
Usage: python test/oracles/igtd.py   (a minute or two; writes test/fixtures/igtd.json). Needs: scipy.
"""
import base64
import json

import numpy as np
import scipy
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

S_MAX, S_CON, T_CON = 30_000, 500, 1e-6
TRACE = (1, 2, 5, 20, 60, 200)


def gene_distances(x, metric):
    """genes x genes; a constant gene is at 1 from all by correlation; copies of a gene at 0 exactly"""
    g = x.T.astype(np.float64)
    d = cdist(g, g, metric)
    d[np.isnan(d)] = 1
    d[d < 1e-7] = 0
    np.fill_diagonal(d, 0)
    return np.round((d + d.T) / 2, 12)


def square_ranks(d):
    upper = np.triu_indices(len(d), 1)
    r = np.zeros_like(d)
    r[upper] = rankdata(d[upper])
    return r + r.T


def pixel_ranks(height, width):
    at = np.stack(np.divmod(np.arange(height * width), width), 1).astype(float)
    return square_ranks(cdist(at, at))


def published(r, q, kind):
    """errors at the start, after each step, and the steps"""
    upper = np.triu_indices(len(r), 1)

    def err(order):
        d = (r - q[np.ix_(order, order)])[upper]
        return np.abs(d).sum() if kind == "abs" else (d ** 2).sum()

    n = len(r)
    order = np.arange(n)
    considered = np.full(n, -np.inf)
    errors = [err(order)]
    for s in range(1, S_MAX + 1):
        i = int(np.argmin(considered))
        found = np.full(n, np.inf)
        for l in range(n):
            if l != i:
                tried = order.copy()
                tried[i], tried[l] = order[l], order[i]
                found[l] = err(tried)
        l = int(np.argmin(found))
        considered[i] = s
        if found[l] < errors[-1]:
            order[i], order[l] = order[l], order[i]
            considered[l] = s
            errors.append(found[l])
        else:
            errors.append(errors[-1])
        if s >= S_CON and errors[s - S_CON] - errors[s] < T_CON * errors[s - S_CON]:
            break
    return errors, order


def made(seed, samples, genes):
    """programmes of genes, some genes alone, a constant one, and a copy"""
    random = np.random.RandomState(seed)
    programmes = random.standard_normal((samples, 4))
    x = programmes @ (random.standard_normal((4, genes)) * (random.random_sample((4, genes)) < 0.4))
    x = 5 + x + 0.5 * random.standard_normal((samples, genes))
    return x.astype(np.float32)


def text(a): return base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()


cases = []
for seed, (samples, height, width, metric, kind) in enumerate([
        (12, 2, 1, "correlation", "abs"), (12, 1, 7, "euclidean", "abs"), (20, 5, 5, "correlation", "abs"), (20, 5, 5, "euclidean", "squared"),
        (15, 4, 9, "correlation", "squared"), (15, 9, 4, "euclidean", "abs"), (25, 8, 8, "correlation", "abs"), (25, 10, 10, "correlation", "abs")]):
    genes = height * width
    x = made(seed, samples, genes)
    d = gene_distances(x, metric)
    errors, order = published(square_ranks(d), pixel_ranks(height, width), kind)
    cases.append(dict(height=height, width=width, samples=samples, metric=metric, error=kind, x=text(x), start=errors[0],
                      steps=[[s, errors[s]] for s in TRACE if s < len(errors)], end=errors[-1], considered=len(errors) - 1))
    print(height, width, metric, kind, errors[0], "->", errors[-1], "steps", len(errors) - 1, flush=True)

x = made(99, 9, 11)
x[:, 3] = 7.1
x[:, 8] = x[:, 2]
x[x < 4] = 0
constant = dict(samples=9, genes=11, x=text(x), **{m: gene_distances(x, m).ravel().tolist() for m in ("euclidean", "correlation")})
grids = [dict(height=h, width=w, ranks=pixel_ranks(h, w)[0].tolist() if h * w else []) for h, w in [(1, 1), (1, 2), (3, 3), (2, 5), (7, 4), (1, 6)]]
values = np.random.RandomState(7).randint(0, 9, 40).astype(float)
ranked = dict(values=values.tolist(), ranks=rankdata(values).tolist())
with open("test/fixtures/igtd.json", "w") as f:
    rows = ",\n".join(json.dumps(c) for c in cases)
    f.write(f'{{"scipy": "{scipy.__version__}", "cases": [\n{rows}\n],\n"distances": {json.dumps(constant)},\n"grids": {json.dumps(grids)},\n"ranked": {json.dumps(ranked)}}}\n')
