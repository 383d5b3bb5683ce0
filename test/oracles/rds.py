"""Freezes what the files of test/fixtures/rds/ hold (written by R, out of the tests of rds2py; see NOTICE there), as the
Python package rdata reads them, which shares no code with the reader: test/fixtures/rds.json, in the form of
test/oracles/h5ad.py. Run from the repository root; rdata 1.1.0 is needed beside the packages of
bench/peers/requirements.txt."""

import json
import sys
import warnings

import anndata as ad
import numpy as np
import pandas as pd
import rdata
from scipy import sparse

sys.path.insert(0, "test/oracles")
from h5ad import freeze_frame, freeze_matrix  # noqa: E402

warnings.filterwarnings("ignore")
HERE = "test/fixtures/rds"


def load(name):
    return rdata.conversion.convert(rdata.parser.parse_file(f"{HERE}/{name}.rds"))


def names(value, n):
    """R's names; numbered where there are none"""
    if value is None or isinstance(value, str):  # the latter is how S4 writes NULL
        return [str(i + 1) for i in range(n)]
    return [str(v) for v in value]


def frame(listing, index):
    def column(v):
        # integers with missing ones come masked
        return pd.array(v.tolist(), dtype="Int64") if np.ma.isMaskedArray(v) and v.dtype.kind == "i" else v

    return pd.DataFrame({str(k): column(v) for k, v in listing.items()}, index=index)


def freeze(x, obs, var, layers=None, storage="dense", dtype="float64"):
    stored = {"storage": storage, "dtype": dtype, "stored": x.nnz if sparse.issparse(x) else None}
    out = {"obs": freeze_frame(obs), "var": freeze_frame(var), "X": freeze_matrix(x, stored), "layers": {}, "raw": None}
    for column in [*out["obs"]["columns"].values(), *out["var"]["columns"].values()]:
        if column["kind"] == "number":
            column.pop("counts", None)  # Python writes 1e-06 where JavaScript writes 0.000001; the hash has the numbers
    for name, layer in (layers or {}).items():
        out["layers"][name] = freeze_matrix(layer, stored)
    return out


def experiment(name):
    se = load(name)
    assays = {str(k): np.asarray(v) for k, v in se.assays.data.listData.items()}
    first, *others = assays
    rows, cols = assays[first].shape
    ranges = getattr(se, "rowRanges", None)
    row_data = (ranges if ranges is not None else se).elementMetadata
    row_names = getattr(se, "NAMES", None)
    if ranges is not None:
        row_names = ranges.partitioning.NAMES if hasattr(ranges, "partitioning") else ranges.ranges.NAMES
    obs = frame(se.colData.listData, names(se.colData.rownames, cols))
    var = frame(row_data.listData, names(row_names, rows))
    x = assays[first]
    dtype = "int32" if x.dtype.kind == "i" else "float64"
    return freeze(x.T, obs, var, {k: assays[k].T for k in others}, dtype=dtype)


def main():
    out = {}
    m = load("matrix_with_dim_names")
    x = sparse.csc_matrix((m.x, m.i, m.p), tuple(m.Dim))
    genes, cells = (list(map(str, v)) for v in m.Dimnames)
    out["matrix_with_dim_names"] = freeze(x.T.tocsr(), pd.DataFrame(index=cells), pd.DataFrame(index=genes), storage="csr")
    m = load("s4_dense_matrix")
    x = np.asarray(m)
    # 2 × 3: genes are on the longer side
    rows, cols = (list(map(str, m.coords[d].values)) for d in m.dims)
    out["s4_dense_matrix"] = freeze(x, pd.DataFrame(index=rows), pd.DataFrame(index=cols))
    d = load("lists_df_rownames")
    # numbers are the matrix, the rest is told of the rows, which are genes as there are more of them
    numbers = d.select_dtypes("float")
    out["lists_df_rownames"] = freeze(numbers.to_numpy().T, pd.DataFrame(index=list(numbers.columns)), d.drop(columns=numbers.columns))
    for name in ("sumexpt", "ranged_se", "simple_sce"):
        out[name] = experiment(name)
    with open("test/fixtures/rds.json", "w") as f:
        files = {f"{HERE}/{name}.rds": frozen for name, frozen in out.items()}
        json.dump({"rdata": rdata.__version__, "anndata": ad.__version__, "files": files}, f, ensure_ascii=False, indent=0, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
