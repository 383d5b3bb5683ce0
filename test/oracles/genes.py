"""Writes test/fixtures/genes.json: which genes numpy's variance and scanpy's highly_variable_genes choose, and what
scanpy.pp.scale makes of them, on real sets and on small made matrices.

usage: bench/peers/.venv/bin/python test/oracles/genes.py
All in float64 of float32 values, so that the oracle is exact. "train" is every third row left out; a set that is not
log-normalised is (log1p) first. Only indices and a few numbers of a set are kept.
"""
import base64
import json
import warnings

import numpy as np
import scanpy as sc

warnings.simplefilter("ignore")
SETS = {
    # path, raw.X in place of X, log1p first, numbers of genes
    "infercnvpy_oligodendroglioma": ("assets/demo/infercnvpy_oligodendroglioma.h5ad", False, True, (1, 50, 500, 2000)),
    "10x_pbmc68k_reduced": ("../shared/data/10x_pbmc68k_reduced.h5ad", True, False, (20, 300)),
    "tcga_gbm_verhaak": ("../shared/data/tcga_gbm_verhaak.h5ad", False, False, (100, 500)),
}


def by_variance(x, count):
    return np.sort(np.argsort(-x.var(axis=0, ddof=1), kind="stable")[:count]).tolist()


def by_seurat(x, count):
    found = sc.pp.highly_variable_genes(sc.AnnData(x.copy()), flavor="seurat", n_top_genes=count, inplace=False)
    return np.flatnonzero(found["highly_variable"].to_numpy()).tolist()


sets = []
for name, (path, raw, log, counts) in SETS.items():
    d = sc.read_h5ad(path)
    x = d.raw.X if raw else d.X
    x = (x.toarray() if hasattr(x, "toarray") else np.asarray(x)).astype(np.float64)
    if log:
        x = np.log1p(x).astype(np.float32).astype(np.float64)
    train = x[np.arange(len(x)) % 3 != 2]
    out, mean, sd = sc.pp.scale(train.copy(), return_mean_std=True)
    spots = np.linspace(0, out.size - 1, 40).astype(int)
    sets.append(dict(
        name=name, path=path, raw=raw, log=log,
        choices=[dict(count=c, variance=by_variance(train, c),
                      # scanpy's seurat flavour is meant for logarithms of counts, not for scaled values
                      seurat=by_seurat(train, c) if (train >= 0).all() else None) for c in counts],
        genes=list(range(0, x.shape[1], x.shape[1] // 40)),
        mean=mean[:: x.shape[1] // 40].tolist(), sd=sd[:: x.shape[1] // 40].tolist(),
        spots=spots.tolist(), scaled=out.ravel()[spots].tolist(),
    ))


def floats(x):
    return base64.b64encode(x.astype("<f4").tobytes()).decode()


def made(name, x, counts, max_value):
    x = np.asarray(x, np.float32).astype(np.float64)
    assert (x >= 0).all()
    out = sc.pp.scale(x.copy(), max_value=max_value)
    return dict(
        name=name, rows=x.shape[0], cols=x.shape[1], x=floats(x), maxValue=max_value, scaled=floats(out),
        # more than `count` where scanpy takes all of several equals
        choices=[dict(count=c, variance=by_variance(x, c), seurat=by_seurat(x, c)) for c in counts],
    )


rng = np.random.RandomState(11)


def counts(n, genes, dispersion):
    """Log-normalised negative binomial counts, with genes that are zero throughout."""
    level = rng.gamma(0.6, 4, genes)
    level[rng.rand(genes) < 0.1] = 0
    return np.log1p(rng.poisson(level * rng.gamma(1 / dispersion, dispersion, (n, genes))))


twins = counts(15, 12, 1.0)
twins = twins[:, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 3, 5, 7, 9]]
cases = [
    made("17 × 90", counts(17, 90, 0.8), (1, 2, 17, 60), 2.5),
    made("2 × 30", counts(2, 30, 1.5), (1, 5), None),
    made("101 × 7, fewer genes than bins", counts(101, 7, 1.0), (1, 3, 6), 1.0),
    made("15 × 16 with equal genes", twins, (1, 2, 3, 4, 5, 6), None),
    made("5 × 1", np.log1p([[3], [0], [7], [1], [1]]), (1,), 0.5),
]
with open("test/fixtures/genes.json", "w") as f:
    json.dump(dict(scanpy=sc.__version__, sets=sets, cases=cases), f, separators=(",", ":"))
