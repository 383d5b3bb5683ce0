"""Oracle of src/embed/umap.ts and tsne.ts: how well scanpy's maps keep neighbourhoods and classes.

usage: bench/peers/.venv/bin/python test/oracles/umap_tsne.py      (writes test/fixtures/umap_tsne.json)
Per set: scikit-learn's trustworthiness (15 neighbours) and the leave-one-out accuracy of a 15-nearest-neighbour vote,
of scanpy's default UMAP and t-SNE on 50 components. `measures`: both on small made maps, to check the test's own code.
"""
import base64
import json

import numpy as np
import scanpy as sc
from sklearn.manifold import trustworthiness
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

SETS = {
    "infercnvpy_oligodendroglioma": ("assets/demo/infercnvpy_oligodendroglioma.h5ad", "cell_type"),
    "10x_pbmc68k_reduced": ("../shared/data/10x_pbmc68k_reduced.h5ad", "bulk_labels"),
    "tcga_gbm_verhaak": ("../shared/data/tcga_gbm_verhaak.h5ad", "subtype"),
}


def accuracy(points, codes, k=15):
    return float(cross_val_score(KNeighborsClassifier(k), points, codes, cv=LeaveOneOut()).mean())


def made(n, k, neighbours, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, n)
    x = (rng.normal(size=(4, k))[codes] + rng.normal(size=(n, k))).astype(np.float32)
    y = (x[:, :2] + rng.normal(0, 0.5, size=(n, 2))).astype(np.float32)
    return dict(
        n=n, k=k, neighbours=neighbours, codes=codes.tolist(),
        x=base64.b64encode(x.tobytes()).decode(), map=base64.b64encode(y.tobytes()).decode(),
        trustworthiness=float(trustworthiness(x, y, n_neighbors=neighbours)), accuracy=accuracy(y, codes, neighbours),
    )


out = dict(sets={}, measures=[made(60, 5, 15, 1), made(101, 3, 7, 2), made(40, 2, 1, 3)])
for name, (path, label) in SETS.items():
    d = sc.read_h5ad(path)
    d.obsm.clear()
    sc.pp.pca(d, n_comps=50, svd_solver="arpack", mask_var=None)
    sc.pp.neighbors(d, n_neighbors=15)
    sc.tl.umap(d)
    sc.tl.tsne(d, n_pcs=50)
    classes = sorted(set(d.obs[label].astype(str)))
    codes = np.array([classes.index(c) for c in d.obs[label].astype(str)])
    out["sets"][name] = dict(path=path, label=label)
    if name == "10x_pbmc68k_reduced":
        out["sets"][name]["codes"] = codes.tolist()
    for kind in ("umap", "tsne"):
        m = d.obsm[f"X_{kind}"]
        out["sets"][name][kind] = dict(
            trustworthiness=float(trustworthiness(d.obsm["X_pca"], m, n_neighbors=15)), accuracy=accuracy(m, codes)
        )
json.dump(out, open("test/fixtures/umap_tsne.json", "w"))
