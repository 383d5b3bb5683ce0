"""Writes test/fixtures/rankings.json: scipy, statsmodels, scanpy and scikit-learn on the statistics of gene rankings.

- ranks, spearman: scipy.stats.rankdata, spearmanr (of a constant: NaN, written as null).
- bh: scipy.stats.false_discovery_control, held against statsmodels' multipletests(method="fdr_bh").
- welch: scipy.stats.ttest_ind(equal_var=False) of each class against the rest (NaN as null), held against scanpy's
  rank_genes_groups(method="t-test") scores wherever all classes have two samples. Values are eighths, exact in float32.
- stability: pairwise spearmanr, scikit-learn's jaccard_score of top-k indicators, and shares of rankings, by numpy.
Usage: python test/oracles/rankings.py   Needs: numpy, scipy, statsmodels, scanpy, scikit-learn.
"""

import json
import warnings
from itertools import combinations

import anndata
import numpy as np
import pandas as pd
import scanpy
import scipy
import statsmodels
from scipy import stats
from sklearn.metrics import jaccard_score
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
rng = np.random.RandomState(41)


def plain(x):
    """Lists with NaN as null and infinities as text."""
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(v) for v in x]
    return None if np.isnan(x) else float(x) if np.isfinite(x) else str(x)


ranks = [{"values": list(map(float, v)), "ranks": stats.rankdata(v).tolist()}
         for v in ([], [3], [2, 2], [1, 0, 0.0, -0.0, 5], rng.randint(0, 4, 17), rng.randn(9), [1e300, -1e300, 5e-324, 0])]

spearman = []
for n, levels in ((2, 0), (3, 0), (7, 0), (50, 0), (4, 2), (21, 3), (60, 10), (99, 2)):
    a, b = rng.randn(2, n)
    b += 0.7 * a
    if levels:
        a, b = np.round(a * levels / 3), np.round(b * levels / 3)
    spearman.append({"a": a.tolist(), "b": b.tolist(), "rho": float(stats.spearmanr(a, b).statistic)})
spearman += [{"a": [1, 1, 1], "b": [1, 2, 3], "rho": None}, {"a": [1, 2], "b": [0, 0], "rho": None}]
assert np.isnan(stats.spearmanr([1, 1, 1], [1, 2, 3]).statistic)

bh = []
for p in ([], [0.03], [1], [0, 0, 1e-300, 0.5], [0.04, 0.04, 0.04], [0.01, 0.04, 0.03], [1, 1, 0.001], rng.rand(10) ** 3, rng.rand(45) ** 8,
          np.round(rng.rand(20), 1)):
    p = np.asarray(p, float)
    q = stats.false_discovery_control(p) if len(p) else p
    assert not len(p) or np.allclose(q, multipletests(p, method="fdr_bh")[1], rtol=1e-14)
    bh.append({"p": p.tolist(), "q": q.tolist()})


def welch(x, codes, classes):
    x, codes = np.asarray(x, float), np.asarray(codes)
    results = [stats.ttest_ind(x[codes == c], x[codes != c], equal_var=False) for c in range(classes)]
    t, p = np.array([r.statistic for r in results]), np.array([r.pvalue for r in results])
    if np.bincount(codes, minlength=classes).min() > 1:
        a = anndata.AnnData(x.astype(np.float32), pd.DataFrame({"c": pd.Categorical(codes.astype(str))}, index=map(str, range(len(x)))))
        a.var_names = [str(g) for g in range(x.shape[1])]
        scanpy.tl.rank_genes_groups(a, "c", method="t-test", use_raw=False)
        for c in range(classes):
            r = scanpy.get.rank_genes_groups_df(a, str(c)).set_index("names").loc[list(a.var_names)]
            defined = np.isfinite(t[c])
            assert np.allclose(r.scores[defined], t[c][defined], rtol=1e-5, atol=1e-6)
            assert np.allclose(r.pvals[defined], p[c][defined], rtol=1e-6)
            assert (r.scores[np.isnan(t[c])] == 0).all() and (r.pvals[np.isnan(t[c])] == 1).all()
    return {"rows": len(x), "genes": x.shape[1], "classes": classes, "codes": codes.tolist(), "eighths": (8 * x).astype(int).ravel().tolist(),
            "t": plain(t), "p": plain(p)}


def made(rows, genes, classes, zeros=0.0, offset=0.0):
    codes = np.r_[np.arange(classes).repeat(2), rng.randint(0, classes, rows - 2 * classes)]
    x = np.round(8 * (rng.randn(rows, genes) + (rng.rand(classes, genes) > 0.7)[codes] + offset)) / 8
    return x * (rng.rand(rows, genes) >= zeros), codes, classes


constants = np.array([[1, 0, 5, 2, 0], [1, 0, 5, 2, 0.125], [1, 1, 7, 2, 0], [1, 1, 7, 3, 0], [1, 1, 7, 5, 0]])
welch_cases = [welch(*made(4, 3, 2)), welch(*made(9, 5, 3)), welch(*made(30, 12, 4, 0.7)), welch(*made(41, 7, 2, 0.95)), welch(*made(25, 3, 3, offset=500)),
               welch(constants, [0, 0, 1, 1, 1], 2), welch(*made(40, 2, 2)[:2], 3),
               welch(made(6, 3, 2)[0], [0, 1, 1, 1, 2, 2], 3), welch(made(5, 0, 2)[0], [0, 0, 1, 1, 1], 2)]

stability = []
for rankings, genes, k, levels in ((2, 5, 2, 0), (3, 10, 4, 0), (5, 31, 10, 0), (5, 20, 6, 4), (4, 3, 7, 0), (3, 1, 1, 0)):
    scores = rng.randn(genes) + rng.randn(rankings, genes)
    if levels:
        scores = np.round(scores * levels / 3)
    most = min(k, genes)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :most]
    top = np.zeros_like(scores, bool)
    np.put_along_axis(top, order, True, 1)
    pairs = list(combinations(range(rankings), 2))
    rho = [np.nan_to_num(stats.spearmanr(scores[a], scores[b]).statistic) if genes > 1 else 0 for a, b in pairs]
    stability.append({"scores": scores.tolist(), "k": k, "used": most, "spearman": float(np.mean(rho)),
                      "jaccard": float(np.mean([jaccard_score(top[a], top[b]) for a, b in pairs])), "share": top.mean(0).tolist()})

with open("test/fixtures/rankings.json", "w") as f:
    json.dump({"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "scanpy": scanpy.__version__, "ranks": ranks,
               "spearman": spearman, "bh": bh, "welch": welch_cases, "stability": stability}, f, separators=(",", ":"), allow_nan=False)
