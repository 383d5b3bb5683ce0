"""Oracle of the layouts of genes (src/encode/genes/*-layout.ts): scikit-learn and umap-learn on the transposed matrix.

usage: python test/oracles/gene_layouts.py      (writes test/fixtures/gene_layouts.json). Needs: scikit-learn, umap-learn, anndata.
The set is the demo's, log1p, its 600 most variable genes. PCA and KernelPCA: places (every 5th gene). t-SNE and UMAP: how well the map keeps the
neighbours in the metric: trustworthiness, and the share of a gene's 15 nearest that are among its 15 nearest on the map, of the worst
of three seeds.
"""
import json
import os

import anndata
import numpy as np
import umap
from sklearn.decomposition import PCA, KernelPCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors

ROOT = os.path.join(os.path.dirname(__file__), "../..")
COUNT, K = 600, 15
x = np.log1p(anndata.read_h5ad(os.path.join(ROOT, "assets/demo/infercnvpy_oligodendroglioma.h5ad")).X.toarray()).astype(np.float32)
x = x.astype(np.float64)
genes = np.sort(np.argsort(-x.var(axis=0, ddof=1), kind="stable")[:COUNT])
t = np.ascontiguousarray(x[:, genes].T)


def near(a, metric):
    return NearestNeighbors(n_neighbors=K, metric=metric).fit(a).kneighbors(return_distance=False)


def quality(points, metric):
    truth, found = near(t, metric), near(points, "euclidean")
    overlap = np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(truth, found)])
    return dict(trustworthiness=float(trustworthiness(t, points, n_neighbors=K, metric=metric)), overlap=float(overlap))


def worst(maps, metric):
    found = [quality(m, metric) for m in maps]
    return {k: min(f[k] for f in found) for k in found[0]}


maps = {}
for metric in ("euclidean", "cosine", "correlation"):
    maps[metric] = dict(
        tsne=worst([TSNE(metric=metric, init="pca", random_state=s).fit_transform(t) for s in range(3)], metric),
        umap=worst([umap.UMAP(metric=metric, n_neighbors=K, min_dist=0.5, random_state=s).fit_transform(t) for s in range(3)], metric),
    )
    print(metric, maps[metric])


def spots(points): return points[::5].ravel().tolist()


kernel = {}
for name, gamma in dict(default=None, wide=2e-4).items():
    fit = KernelPCA(2, kernel="rbf", gamma=gamma, eigen_solver="dense").fit(t)
    kernel[name] = dict(gamma=gamma, eigenvalues=fit.eigenvalues_.tolist(), places=spots(fit.transform(t)))
    full = KernelPCA(4, kernel="rbf", gamma=gamma, eigen_solver="dense").fit(t).eigenvalues_
    print(name, full)
pca = PCA(2, svd_solver="full").fit(t)
out = dict(count=COUNT, neighbours=K, maps=maps, pca=spots(pca.transform(t)), kernel=kernel)
text = json.dumps(out, separators=(",", ":")) + "\n"
open(os.path.join(ROOT, "test/fixtures/gene_layouts.json"), "w").write(text)
print(len(text), "bytes")
