"""Writes the small .h5ad files of test/fixtures/h5ad/ and freezes how anndata reads them, the demo file and (where they
are there) the files of ../shared/data: test/fixtures/h5ad.json. Run from the repository root.

A matrix is frozen as the SHA-256 of its dense float32 entries, row by row, so that equality is entry for entry; a
column as the SHA-256 of its numbers (missing as 0) or labels (missing as NUL, joined by the unit separator), and its
label counts where few.
"""

import glob
import hashlib
import json
import os
import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

try:
    import hdf5plugin  # noqa: F401 (h5py then reads zstd, which a file of ../shared/data has)
except ImportError:
    pass

warnings.filterwarnings("ignore")
HERE = "test/fixtures/h5ad"
STR = h5py.string_dtype()


# ---- small files --------------------------------------------------------------------------------------------------


def counts(rng, rows, cols, lam=0.7):
    return rng.poisson(lam, (rows, cols)).astype("f4")


def names(prefix, n):
    return [f"{prefix}{i}" for i in range(n)]


def frame(prefix, n, **columns):
    return pd.DataFrame(columns, index=names(prefix, n))


def write_frame(file, name, index):
    g = file.create_group(name)
    g.attrs.update({"_index": "_index", "encoding-type": "dataframe", "encoding-version": "0.2.0"})
    g.attrs["column-order"] = np.array([], dtype="f8")
    g.create_dataset("_index", data=np.array(index, dtype=object), dtype=STR)
    return g


def write_sparse(group, x, encoding, index="i4", **options):
    group.attrs.update({"encoding-type": f"{encoding}_matrix", "encoding-version": "0.1.0"})
    group.attrs["shape"] = np.array(x.shape)
    group.create_dataset("data", data=x.data, **options)
    group.create_dataset("indices", data=x.indices.astype(index), **options)
    group.create_dataset("indptr", data=x.indptr.astype(index), **options)


def new_file(name, rows, cols):
    f = h5py.File(f"{HERE}/{name}.h5ad", "w")
    f.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    write_frame(f, "obs", names("s", rows))
    write_frame(f, "var", names("g", cols))
    return f


def make():
    os.makedirs(HERE, exist_ok=True)
    rng = np.random.default_rng(1)

    # one layer a number type, big-endian among them; stored as dense
    whole = rng.integers(0, 100, (5, 3))
    with new_file("dtypes", 5, 3) as f:
        f["X"] = (whole - 50 + rng.random((5, 3))).astype("f4")
        for t in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f8", ">f4", ">i4", ">i8", ">u2"]:
            x = whole - (50 if t[-2] in "fi" else 0) + (rng.random((5, 3)) if t[-2] == "f" else 0)
            f[f"layers/{t.replace('>', 'be_')}"] = x.astype(t)
        f["layers/bool"] = whole > 50
        f["layers/half_specials"] = np.array([[0.0, 6e-8, 65504.0]] * 5, "f2")
        f["layers/i8_wide"] = np.array([[-(2**40), 2**40 + 1, -1]] * 5, "i8")
        f["layers/u8_wide"] = np.array([[2**63, 2**33, 1]] * 5, "u8")

    # chunks that do not divide the shape, each compression that h5py has
    x = counts(rng, 13, 17)
    with new_file("chunks", 13, 17) as f:
        f.create_dataset("X", data=x, chunks=(5, 4), compression="gzip")
        f.create_dataset("layers/lzf", data=x * 2, chunks=(5, 4), compression="lzf")
        f.create_dataset("layers/sums", data=x * 3, chunks=(4, 17), compression="gzip", shuffle=True, fletcher32=True)
        f.create_dataset("layers/plain", data=x * 4, chunks=(13, 2))
        f.create_dataset("layers/filled", shape=(13, 17), dtype="f4", chunks=(4, 4), fillvalue=2.5)
        s = sparse.csr_matrix(x)
        write_sparse(f.create_group("layers/csr"), s, "csr", chunks=(7,), compression="lzf")
        write_sparse(f.create_group("layers/csc"), sparse.csc_matrix(x), "csc", chunks=(5,), compression="gzip")

    # sparse: 64-bit indices, unsorted rows, entries given twice, explicit zeros, empty rows and columns
    x = counts(rng, 9, 7)
    x[4] = 0
    x[:, 2] = 0
    s = sparse.csr_matrix(x.astype("f8"))
    for r in range(9):
        order = slice(s.indptr[r], s.indptr[r + 1])
        s.indices[order] = s.indices[order][::-1].copy()
        s.data[order] = s.data[order][::-1].copy()
    with new_file("sparse", 9, 7) as f:
        write_sparse(f.create_group("X"), s, "csr", index="i8")
        write_sparse(f.create_group("layers/csc_i8"), sparse.csc_matrix(x.astype("i4")), "csc", index="i8")
        twice = sparse.csr_matrix((np.arange(1.0, 7), [3, 1, 3, 0, 0, 0], [0, 3, 3, 3, 3, 3, 3, 6, 6, 6]), (9, 7))
        write_sparse(f.create_group("layers/twice"), twice, "csr")
        zeros = sparse.csr_matrix((np.array([0.0, 5.0]), [1, 6], [0] * 5 + [2] * 5), (9, 7))
        write_sparse(f.create_group("layers/zeros"), zeros, "csr")
        write_sparse(f.create_group("layers/none"), sparse.csr_matrix((9, 7)), "csr")

    for rows, cols in [(0, 4), (1, 4), (4, 1), (3, 0), (0, 0)]:
        ad.AnnData(X=counts(rng, rows, cols), obs=frame("s", rows), var=frame("g", cols)).write_h5ad(
            f"{HERE}/dense_{rows}x{cols}.h5ad"
        )
        ad.AnnData(X=sparse.csr_matrix((rows, cols), dtype="f4"), obs=frame("s", rows), var=frame("g", cols)).write_h5ad(
            f"{HERE}/csr_{rows}x{cols}.h5ad"
        )

    # obs of today, every kind of column; names that JavaScript could stumble over
    n = 12
    some = pd.array([1, None, 3] * 4, dtype="Int64")
    obs = frame(
        "s",
        n,
        text=["b", "a", "B", "a"] * 3,
        category=pd.Categorical(["x", None, "y", "x"] * 3, categories=["y", "x", "unused"]),
        ordered=pd.Categorical(["low", "high", "mid"] * 4, categories=["low", "mid", "high"], ordered=True),
        int_category=pd.Categorical([10, 9, 10, 2] * 3),
        float_category=pd.Categorical([0.5, 1.0, 2.25, 1.0] * 3),
        whole_category=pd.Categorical([1.0, 2.0, 3.0, 1.0] * 3),
        bool_category=pd.Categorical([True, False] * 6),
        integer=[1, 2, 3] * 4,
        number=[0.5, np.nan, 2.0] * 4,
        float32=np.array([0.1, 0.2, 0.3] * 4, "f4"),
        flag=[True, False, False] * 4,
        some_integer=some,
        some_flag=pd.array([True, None, False] * 4, dtype="boolean"),
    )
    obs["astral \U0001f600"] = ["\U0001f600", "\uff5e", "z", "é"] * 3
    obs["__proto__"] = ["__proto__", "constructor", "toString"] * 4
    obs["odd"] = ["CD4+/CD25 T Reg", "../../x", "<script>", "Case", "case", " ", "", "tab\there", "a,b", '"q"', "\x1b[31m", "=1+1"]
    ad.AnnData(X=counts(rng, n, 5), obs=obs, var=frame("g", 5, chromosome=pd.Categorical(list("1122X")))).write_h5ad(
        f"{HERE}/columns.h5ad", convert_strings_to_categoricals=False
    )

    # anndata < 0.7: records, categories in uns, h5sparse, raw.X beside X; the second field is big-endian
    with h5py.File(f"{HERE}/records.h5ad", "w") as f:
        obs = np.zeros(6, [("index", "S4"), ("size", ">i4"), ("type", "i1"), ("text", STR), ("score", "f4"), ("ok", "?")])
        obs["index"] = names("s", 6)
        obs["size"] = [1, -2, 300000, 4, 5, 6]
        obs["type"] = [0, 1, -1, 1, 0, 2]
        obs["text"] = ["a", "b", "", "é", "a", "b"]
        obs["score"] = [0.5, np.nan, 1, 2, 3, 4]
        obs["ok"] = [True, False, True, True, False, False]
        f["obs"] = obs
        var = np.zeros(4, [("index", "S3"), ("type", "i8")])
        var["index"] = names("g", 4)
        var["type"] = [7, 0, 1, 2]  # 7 has no category: not a categorical, though uns has its name
        f["var"] = var
        f["uns/type_categories"] = np.array([b"B cell", b"T cell", b"NK"])
        s = sparse.csr_matrix(counts(rng, 6, 4))
        g = f.create_group("X")
        g.attrs["h5sparse_format"], g.attrs["h5sparse_shape"] = "csr", s.shape
        g["data"], g["indices"], g["indptr"] = s.data, s.indices, s.indptr
        raw = np.zeros(5, [("index", "S3")])
        raw["index"] = names("r", 5)
        f["raw.var"] = raw
        f["raw.X"] = counts(rng, 6, 5)

    # no X: a layer and raw instead; faults in numbers
    a = ad.AnnData(obs=frame("s", 4), var=frame("g", 3))
    a.layers["counts"] = counts(rng, 4, 3)
    a.layers["log norm"] = np.log1p(counts(rng, 4, 3))
    a.raw = ad.AnnData(X=counts(rng, 4, 6), obs=frame("s", 4), var=frame("r", 6))
    a.write_h5ad(f"{HERE}/no_x.h5ad")
    x = counts(rng, 6, 5)
    x[2, 3], x[4, 1], x[5, 0] = np.nan, np.inf, -np.inf
    a = ad.AnnData(X=x, obs=frame("s", 6, type=list("aabbab")), var=frame("g", 5))
    a.layers["csr"] = sparse.csr_matrix(x)
    a.write_h5ad(f"{HERE}/not_finite.h5ad")

    # a small set as users have: counts, a label with a rare class, one with gaps, one for the patient
    n = 40
    obs = frame(
        "cell",
        n,
        type=pd.Categorical(["tumour"] * 20 + ["immune"] * 16 + ["rare"] * 4),
        patient=pd.Categorical([f"P{i % 5}" for i in range(n)]),
        partial=pd.Categorical([None if i % 8 == 0 else "yes" if i % 2 else "no" for i in range(n)]),
        same=pd.Categorical(["all"] * n),
        lonely=pd.Categorical(["one"] + ["many"] * (n - 1)),
        depth=rng.random(n),
        barcode=[f"ACGT-{i}" for i in range(n)],
    )
    a = ad.AnnData(X=sparse.csr_matrix(counts(rng, n, 30)), obs=obs, var=frame("gene", 30))
    a.layers["log"] = np.log1p(a.X.toarray())
    a.write_h5ad(f"{HERE}/small.h5ad", compression="gzip")

    # X as a vector, as anndata < 0.7 wrote a single gene or a single sample (anndata of today refuses it)
    for name, rows, cols in [("one_gene", 5, 1), ("one_sample", 1, 5)]:
        with new_file("vector", rows, cols) as f:
            f["X"] = np.arange(1, 6, dtype="f4")
        os.rename(f"{HERE}/vector.h5ad", f"{HERE}/vector_{name}.h5")

    # HDF5, but of other kinds
    with h5py.File(f"{HERE}/tenx.h5", "w") as f:
        g = f.create_group("matrix")
        g["barcodes"], g["data"] = np.array([b"A", b"B"]), [1, 2]
    with h5py.File(f"{HERE}/empty.h5", "w"):
        pass


# ---- what anndata reads -------------------------------------------------------------------------------------------


def sha(data):
    return hashlib.sha256(data).hexdigest()[:32]


def freeze_matrix(x, stored):
    dense = np.ascontiguousarray(x.toarray() if sparse.issparse(x) else np.asarray(x), dtype="<f4")
    finite = dense[np.isfinite(dense)].astype("f8")
    # as in a CSR: explicit zeros and the sign of zero do not count
    return {
        "storage": stored["storage"],
        "dtype": stored["dtype"],
        "stored": stored["stored"],
        "shape": list(dense.shape),
        "sum": float(finite.sum()),
        "nan": int(np.isnan(dense).sum()),
        "sha": sha(np.where(np.isnan(dense), np.float32(0), dense + np.float32(0)).astype("<f4").tobytes()),
    }


def as_stored(path, where):
    """Storage and type as in the file."""
    with h5py.File(path) as f:
        e = f[where]
        if isinstance(e, h5py.Dataset):
            return {"storage": "dense", "dtype": str(e.dtype.newbyteorder("=")), "stored": None}
        kind = e.attrs.get("encoding-type", e.attrs.get("h5sparse_format"))
        data = e["data"]
        return {"storage": kind[:3], "dtype": str(data.dtype), "stored": int(data.shape[0])}


def text(value):
    """As a label: numbers that are whole have no decimal point."""
    if isinstance(value, (float, np.floating)):
        value = float(value)
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)


def kind_of(s):
    if isinstance(s.dtype, pd.CategoricalDtype):
        return "categorical"
    if pd.api.types.is_bool_dtype(s.dtype):
        return "boolean"
    return "number" if pd.api.types.is_numeric_dtype(s.dtype) else "string"


def freeze_column(s):
    kind = kind_of(s)
    missing = s.isna().to_numpy()
    labels = [None if m else text(v) for v, m in zip(s.tolist(), missing)]
    data = "\x1f".join("\0" if v is None else v for v in labels).encode()
    if kind == "number":  # numbers as such: Python and JavaScript write 5e-05 and 0.00005
        data = np.where(missing, 0, s.to_numpy("f8", na_value=0)).astype("<f8").tobytes()
    out = {"kind": kind, "missing": int(missing.sum()), "sha": sha(data)}
    if kind == "categorical":
        out["categories"] = [text(c) for c in s.cat.categories.tolist()]
        out["ordered"] = bool(s.cat.ordered)
        if len(out["categories"]) > 60:
            out["categories"] = len(out["categories"])
    if kind == "number":
        out["integer"] = bool(pd.api.types.is_integer_dtype(s.dtype))
    counted = pd.Series([v for v in labels if v is not None and v.strip() != ""]).value_counts()
    if 0 < len(counted) <= 40 and s.dtype != "float32":
        out["counts"] = {k: int(counted[k]) for k in sorted(counted.index)}
    return out


def freeze_frame(df):
    return {
        "length": len(df),
        "index": sha("\x1f".join(map(str, df.index)).encode()),
        "columns": {str(c): freeze_column(df[c]) for c in df.columns},
    }


def freeze(path):
    a = ad.read_h5ad(path)
    out = {"obs": freeze_frame(a.obs), "var": freeze_frame(a.var), "X": None, "layers": {}, "raw": None}
    if a.X is not None:
        out["X"] = freeze_matrix(a.X, as_stored(path, "X"))
    with h5py.File(path) as f:
        order = list(f["layers"]) if "layers" in f else []
        raw = "raw/X" if "raw/X" in f else "raw.X"
    for k in order:
        out["layers"][k] = freeze_matrix(a.layers[k], as_stored(path, f"layers/{k}"))
    if a.raw is not None:
        out["raw"] = {"X": freeze_matrix(a.raw.X, as_stored(path, raw)), "var": freeze_frame(a.raw.var)}
    return out


if __name__ == "__main__":
    make()
    files = sorted(glob.glob(f"{HERE}/*.h5ad")) + ["assets/demo/infercnvpy_oligodendroglioma.h5ad"]
    files += sorted(glob.glob("../shared/data/*.h5ad")) + sorted(glob.glob("../shared/data/formats/*.h5ad"))
    frozen = {path: freeze(path) for path in files}
    with open("test/fixtures/h5ad.json", "w") as f:
        json.dump({"anndata": ad.__version__, "files": frozen}, f, ensure_ascii=False, indent=0, separators=(",", ":"))
        f.write("\n")
