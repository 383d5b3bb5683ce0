"""Writes test/fixtures/matrix_states.json: small matrices in more states than test/oracles/h5ad_states.py has, as numpy,
scipy, scikit-learn and scanpy leave them, to test what describeMatrix tells and normalizeMatrix does. Run from the
repository root."""

import json
import warnings

import anndata as ad
import numpy as np
import scanpy as sc
from scipy.stats import rankdata
from sklearn.preprocessing import MinMaxScaler

warnings.filterwarnings("ignore")
rng = np.random.default_rng(8)
rows, cols = 24, 9
counts = rng.poisson(rng.gamma(0.6, 4, cols) * rng.gamma(3, 0.4, (rows, 1)), (rows, cols)).astype("f4")
counts[:, 0] += 1  # no sample without counts
length = rng.uniform(0.5, 5, cols)


def scanpy(target, log):
    a = ad.AnnData(counts.copy())
    sc.pp.normalize_total(a, target_sum=target)
    if log:
        sc.pp.log1p(a)
    return a.X


rate = counts / length
tpm = rate / rate.sum(1, keepdims=True) * 1e6
matrices = {
    "counts": counts,
    "log1p_cpm": scanpy(1e6, True),
    "log2_cpm": np.log2(scanpy(1e6, False) + 1),
    "log10_cpm": np.log10(scanpy(1e6, False) + 1),
    "tpm": tpm,
    "gene_ranks": rankdata(counts, axis=0),
    "gene_ranks_scaled": rankdata(counts, axis=0) / rows,
    "sample_ranks": rankdata(counts, axis=1),
    "min_max": MinMaxScaler().fit_transform(np.log1p(counts)),
    "fractions": np.clip(rng.beta(0.5, 0.5, (rows, cols)).round(2), 0, 1),
}
assert matrices["fractions"].min() == 0 and matrices["fractions"].max() == 1
out = {"scanpy": sc.__version__}
for name, x in matrices.items():
    x = np.asarray(x, "f4")
    out[name] = {"rows": rows, "cols": cols, "data": [float(f"{v:.9g}") for v in x.ravel().tolist()]}
with open("test/fixtures/matrix_states.json", "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
