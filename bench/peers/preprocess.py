"""Peer of bench/preprocess.mjs: the published preprocessing on its own stack (scanpy), seconds per stage.

usage: preprocess.py make FILE.h5ad [--cells 5900] [--genes 20000] [--level -1.1] [--dense] [--seed 1]
           writes a made data set: sparse (CSR, float32), about a third non-zero (level -1.1) or 5 % (-4.3),
           obs column `cluster`
       preprocess.py run FILE.h5ad OUT_DIR [--until pca|neighbors|umap|tsne|images]
           prints one JSON line: seconds per stage, peak memory in MB
"""
import argparse
import json
import os
import resource
import time


def make(a):
    """Cells in 25 clusters of unequal size plus 10 gene programs that vary within clusters; counts, then log1p."""
    import anndata as ad
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp

    rng = np.random.default_rng(a.seed)
    clusters, programs = 25, 10
    of = rng.choice(clusters, size=a.cells, p=rng.dirichlet(np.full(clusters, 3.0)))
    base = rng.normal(a.level, 1.5, size=a.genes)
    centre = rng.normal(0, 1, size=(clusters, a.genes)) * (rng.random((clusters, a.genes)) < 0.1)
    loading = rng.normal(0, 1, size=(programs, a.genes)) * (rng.random((programs, a.genes)) < 0.05)
    usage = rng.normal(size=(a.cells, programs)) * np.geomspace(1, 0.15, programs)
    depth = rng.lognormal(0, 0.4, size=a.cells)
    blocks = []
    for i in range(0, a.cells, 500):
        part = slice(i, i + 500)
        rate = np.exp(base + centre[of[part]] + usage[part] @ loading) * depth[part, None]
        blocks.append(sp.csr_matrix(np.log1p(rng.poisson(np.minimum(rate, 1e4))).astype(np.float32)))
    x = sp.vstack(blocks, format="csr")
    if a.dense:
        x = x.toarray()
    obs = pd.DataFrame({"cluster": pd.Categorical([f"c{c}" for c in of])}, index=[f"cell{i}" for i in range(a.cells)])
    ad.AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{j}" for j in range(a.genes)])).write_h5ad(a.file)
    print(json.dumps(dict(file=a.file, shape=x.shape, nonzero=round(float((x != 0).sum()) / (a.cells * a.genes), 3))))


def run(a):
    seconds = {}
    at = time.perf_counter()

    def lap(stage):
        nonlocal at
        seconds[stage] = round(time.perf_counter() - at, 3)
        at = time.perf_counter()
        if stage == a.until:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(json.dumps(dict(seconds=seconds, total=round(sum(seconds.values()), 3), peakMB=peak)))
            raise SystemExit

    import warnings

    warnings.filterwarnings("ignore")
    import numpy as np
    import scanpy as sc
    from PIL import Image

    lap("import")
    d = sc.read_h5ad(a.file)
    lap("read")
    sc.pp.pca(d, n_comps=50, svd_solver="arpack", mask_var=None)
    lap("pca")
    sc.pp.neighbors(d, n_neighbors=15)
    lap("neighbors")
    sc.tl.umap(d)
    lap("umap")
    sc.tl.tsne(d, n_pcs=50)
    lap("tsne")

    def norm(v):
        return (v - v.min(0)) / (v.max(0) - v.min(0) + 1e-8)

    size = 128
    tsne, pc, umap = norm(d.obsm["X_tsne"]), norm(d.obsm["X_pca"]), norm(d.obsm["X_umap"])
    xy = (tsne * (size - 1)).astype(int)
    rgb = (np.stack([tsne[:, 0], pc[:, 0], umap[:, 0]], 1) * 255).astype(np.uint8)
    os.makedirs(a.out, exist_ok=True)
    for i, (x, y) in enumerate(xy):
        image = np.zeros((size, size, 3), np.uint8)
        image[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = rgb[i]
        Image.fromarray(image).save(os.path.join(a.out, f"sample_{i}.png"))
    lap("images")


p = argparse.ArgumentParser()
sub = p.add_subparsers(dest="what", required=True)
m = sub.add_parser("make")
m.add_argument("file")
m.add_argument("--cells", type=int, default=5900)
m.add_argument("--genes", type=int, default=20000)
m.add_argument("--dense", action="store_true")
m.add_argument("--level", type=float, default=-1.1)
m.add_argument("--seed", type=int, default=1)
r = sub.add_parser("run")
r.add_argument("file")
r.add_argument("out")
r.add_argument("--until", default="images")
a = p.parse_args()
{"make": make, "run": run}[a.what](a)
