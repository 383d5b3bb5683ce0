"""Writes test/fixtures/gene_names.json: lists of names and what anndata.utils.make_index_unique makes of them. Run from
the repository root."""

import json
import warnings

import anndata as ad
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
rng = np.random.default_rng(2)
lists = [
    [],
    ["a"],
    ["a", "b"],
    ["a", "a", "a"],
    ["a", "a-1", "a"],
    ["a", "a", "a-1", "a-1", "a-2", "a"],
    ["", "", "x", ""],
    ["__proto__", "constructor", "__proto__", "constructor", "toString"],
    ["é", "e\u0301", "é", "\U0001f600", "\U0001f600"],
    ["1", "1", "1-1", 1 and "1"],
    [f"{c}{s}" for c in "abab" for s in ["", "-1", "-2", ""]],
    ["".join(rng.choice(list("ab-1"), rng.integers(0, 4))) for _ in range(300)],
]
out = {"anndata": ad.__version__, "lists": []}
for names in lists:
    unique = ad.utils.make_index_unique(pd.Index(names, dtype=object)).tolist()
    assert len(set(unique)) == len(unique)
    out["lists"].append({"names": names, "unique": unique})
with open("test/fixtures/gene_names.json", "w") as f:
    json.dump(out, f, ensure_ascii=False, separators=(",", ":"))
    f.write("\n")
