"""Oracle of src/embed/pca.ts: scanpy's PCA (svd_solver="arpack", scikit-learn's signs) on real sets.

usage: bench/peers/.venv/bin/python test/oracles/pca.py      (writes test/fixtures/pca.json)
Only the sets that the project may hold a copy of (BSD-3) leave scores here; of the third only the variances.
"""
import base64
import json

import numpy as np
import scanpy as sc

SETS = {
    "infercnvpy_oligodendroglioma": ("assets/demo/infercnvpy_oligodendroglioma.h5ad", True),
    "10x_pbmc68k_reduced": ("../shared/data/10x_pbmc68k_reduced.h5ad", True),
    "tcga_gbm_verhaak": ("../shared/data/tcga_gbm_verhaak.h5ad", False),
}
out = {}
for name, (path, keep) in SETS.items():
    d = sc.read_h5ad(path)
    d.obsm.clear()
    # float64, so that the oracle is exact where arpack in float32 is not
    d.X = d.X.astype(np.float64)
    sc.pp.pca(d, n_comps=50, svd_solver="arpack", mask_var=None, dtype="float64")
    out[name] = dict(
        path=path,
        samples=d.n_obs,
        genes=d.n_vars,
        variance=d.uns["pca"]["variance"].tolist(),
        varianceRatio=d.uns["pca"]["variance_ratio"].tolist(),
        # the gene with the largest loading of each component, which sets its sign
        leading=np.abs(d.varm["PCs"]).argmax(0).tolist(),
    )
    if keep:
        out[name]["scores"] = base64.b64encode(d.obsm["X_pca"].astype("<f4").tobytes()).decode()
json.dump(out, open("test/fixtures/pca.json", "w"))
