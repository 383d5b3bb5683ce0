"""Oracle of src/encode/genes/paint-graph.ts: images of genes and their gradients by PyTorch's index_add in float64.

usage: python test/oracles/gene_paint.py      (writes test/fixtures/gene_paint.json). Needs: numpy, torch.
Values, placings and the gradient that arrives are drawn from numpy's RandomState, which cellhue reproduces. Of the images the
pixels that are not black are kept.
"""
import json
import os

import numpy as np
import torch


def placing(seed, genes, area, absent):
    r = np.random.RandomState(seed)
    p = np.floor(r.random_sample(genes) * area).astype(int)
    p[r.random_sample(genes) < absent] = -1
    p[0] = area - 1
    return p


cases = []
for seed, (n, genes, height, width, channels, absent) in enumerate([
    (2, 9, 3, 4, 1, 0), (3, 40, 5, 3, 3, 0), (1, 25, 4, 4, 1, 0.3), (2, 30, 2, 7, 3, 0.3), (1, 1, 1, 1, 1, 0), (2, 6, 1, 1, 3, 0),
    (3, 5, 1, 9, 1, 0.9), (2, 8, 6, 1, 1, 0.2),
]):
    area = height * width
    values = torch.tensor(np.random.RandomState([seed, 0]).random_sample((n, genes)).astype(np.float32).astype(np.float64), requires_grad=True)
    dy = np.random.RandomState([seed, 1]).standard_normal((n, 3, area)).astype(np.float32)
    drawn = []
    for c in range(channels):
        p = placing([seed, 2, c], genes, area, absent)
        at, genes_in = torch.tensor(p[p >= 0]), torch.tensor(np.flatnonzero(p >= 0))
        total = torch.zeros(n, area, dtype=torch.float64).index_add(1, at, values[:, genes_in])
        count = torch.zeros(area, dtype=torch.float64).index_add(0, at, torch.ones(len(at), dtype=torch.float64))
        drawn.append(total / count.clamp(min=1))
    image = torch.stack(drawn * (3 // channels), 1)
    image.backward(torch.tensor(dy.astype(np.float64)))
    lit = image.detach().numpy().ravel()
    cases.append(dict(n=n, genes=genes, height=height, width=width, channels=channels, absent=absent, lit=np.flatnonzero(lit).tolist(),
                      image=lit[lit != 0].tolist(), gradient=values.grad.numpy().ravel().tolist()))

text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/gene_paint.json"), "w").write(text)
print(len(cases), "cases", len(text), "bytes")
