"""Peer of bench/pca.mjs: scanpy's PCA of a file's X in memory. usage: pca.py FILE.h5ad — then one line on stdin a run;
answers with a JSON line: seconds, and the first time the loadings (components × genes) and variances."""
import json, sys, time, warnings

warnings.filterwarnings("ignore")
import scanpy as sc

d = sc.read_h5ad(sys.argv[1])
print(json.dumps(dict(scanpy=sc.__version__)), flush=True)
first = True
for _ in sys.stdin:
    began = time.perf_counter()
    sc.pp.pca(d, n_comps=50, svd_solver="arpack", mask_var=None)
    answer = dict(seconds=time.perf_counter() - began)
    if first:
        answer |= dict(loadings=d.varm["PCs"].T.ravel().tolist(), variance=d.uns["pca"]["variance"].tolist())
    first = False
    print(json.dumps(answer), flush=True)
