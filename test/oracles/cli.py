"""Writes test/fixtures/cli.h5ad: a file with all that a user's file can have against it, for the tests of the command line.

36 samples x 20 genes. X holds counts; layer `nan` the same with two values that are not finite; layer `same` one value.
obs: odd (six classes with awkward names), plain (three classes), one (one class), missing (4 without a label, one of
them an empty text), small (a class of 2). usage: bench/peers/.venv/bin/python test/oracles/cli.py
"""
import anndata
import numpy as np
import pandas as pd

random = np.random.default_rng(5)
n, genes = 36, 20
group = np.arange(n) % 6
rates = random.uniform(0.2, 6, (6, genes))
counts = random.poisson(rates[group]).astype(np.float32)
nan = counts.copy()
nan[4, 7], nan[20, 0] = np.nan, np.inf
odd = np.array(["CD4+/CD25 T Reg", "../../x", "<script>alert(1)</script>", "tumour", "Tumour", "__proto__"])[group]
plain = np.array(["a", "b", "c"])[group % 3]
missing = plain.astype(object)
missing[[3, 9, 14]] = None
missing[15] = ""
small = plain.astype(object)
small[:2] = "rare"
data = anndata.AnnData(
    counts,
    obs=pd.DataFrame(
        {"odd": odd, "plain": plain, "one": ["x"] * n, "missing": missing, "small": small},
        index=[f"s{i}" for i in range(n)],
    ),
    var=pd.DataFrame(index=[f"g{j}" for j in range(genes)]),
    layers={"nan": nan, "same": np.ones_like(counts)},
)
anndata.settings.allow_write_nullable_strings = True
data.write_h5ad("test/fixtures/cli.h5ad", compression="gzip")
