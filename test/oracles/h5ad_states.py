"""Writes test/fixtures/h5ad_states.json: one small count matrix as the field's usual steps leave it (scanpy), to test
what describeMatrix tells and that normalizeMatrix equals normalize_total and log1p. Run from the repository root."""

import json
import warnings

import anndata as ad
import numpy as np
import scanpy as sc
from scipy import sparse

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)
rows, cols = 60, 17
counts = rng.poisson(rng.gamma(0.6, 3, cols) * rng.gamma(3, 0.4, (rows, 1)), (rows, cols)).astype("f4")
counts[5] = 0  # a sample without counts


def run(x, *steps):
    a = ad.AnnData(x.copy())
    for step in steps:
        step(a)
    return a.X.toarray() if sparse.issparse(a.X) else a.X


def cp10k(a):
    sc.pp.normalize_total(a, target_sum=1e4)


def cpm(a):
    sc.pp.normalize_total(a, target_sum=1e6)


full = np.delete(counts, 5, 0)
log = run(counts, cp10k, sc.pp.log1p)
assert np.allclose(log, run(sparse.csr_matrix(counts), cp10k, sc.pp.log1p), rtol=1e-6)
matrices = {
    "counts": counts,
    "log1p_cp10k": log,
    "log1p_cp10k_no_empty_sample": run(full, cp10k, sc.pp.log1p),
    "log2": np.log2(full + 1),
    "cpm": run(full, cpm),
    "scaled": run(full, cp10k, sc.pp.log1p, lambda a: sc.pp.scale(a, max_value=10)),
    "centred": np.log2(full + 1) - np.log2(full + 1).mean(0),
    "differences": np.log2(full + 1) - 1.3,
    "intensities": np.exp2(rng.normal(8, 2, (rows, cols))) + 20,
}
out = {"scanpy": sc.__version__}
for name, x in matrices.items():
    x = np.asarray(x, "f4")
    # 9 digits keep a float32
    out[name] = {"rows": x.shape[0], "cols": x.shape[1], "data": [float(f"{v:.9g}") for v in x.ravel().tolist()]}
with open("test/fixtures/h5ad_states.json", "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
