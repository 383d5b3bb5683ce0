"""Writes small files of the formats other than AnnData's (test/fixtures/formats/) and freezes how the tools of each read
them: scanpy (10x .h5 and Matrix Market), anndata with loompy (.loom), pandas (text). And so, where they are there, the
text files of ../shared/data. test/fixtures/formats.json, in the form of test/oracles/h5ad.py. Run from the repository
root; loompy 3.0.8 is needed beside the packages of bench/peers/requirements.txt."""

import gzip
import io
import json
import os
import shutil
import sys
import warnings

import anndata as ad
import h5py
import loompy
import numpy as np
import pandas as pd
import scanpy as sc
from scipy import io as sio
from scipy import sparse

sys.path.insert(0, "test/oracles")
from h5ad import counts, frame, freeze_frame, freeze_matrix, names  # noqa: E402

warnings.filterwarnings("ignore")
HERE = "test/fixtures/formats"
GENES = ["TP53", "EGFR", "ACTB", "GAPDH", "PTEN", "TP53", "MT-CO1"]


def zipped(path, data):
    """gzip without a time stamp, so that the bytes are the same at every run"""
    with open(path, "wb") as f, gzip.GzipFile(filename="", fileobj=f, mode="wb", mtime=0) as g:
        g.write(data)


def write_tenx(rng):
    x = sparse.csr_matrix(counts(rng, 9, 7))  # cells × features
    types = ["Gene Expression"] * 5 + ["Antibody Capture", "Gene Expression"]
    with h5py.File(f"{HERE}/tenx_v3.h5", "w") as f:
        m = f.create_group("matrix")
        m["barcodes"] = np.array([f"ACGTACGTACGT-{i}" for i in range(9)], "S18")
        m.create_dataset("data", data=x.data.astype("i4"), compression="gzip")
        m.create_dataset("indices", data=x.indices.astype("i8"), compression="gzip")
        m.create_dataset("indptr", data=x.indptr.astype("i8"))
        m["shape"] = np.array([7, 9], "i4")
        g = m.create_group("features")
        g["id"] = np.array([f"ENSG0000000000{i}" for i in range(7)], "S20")
        g["name"] = np.array(GENES, "S10")
        g["feature_type"] = np.array(types, "S16")
        g["genome"] = np.array(["GRCh38"] * 7, "S6")
        g["_all_tag_keys"] = np.array(["genome"], "S6")
        g["included"] = np.array([True, False] * 3 + [True])
    for file, genomes in [("tenx_v2", ["hg19"]), ("tenx_v2_two", ["hg19", "mm10"])]:
        with h5py.File(f"{HERE}/{file}.h5", "w") as f:
            for k, genome in enumerate(genomes):
                y = (x * (k + 1)).tocsr()
                g = f.create_group(genome)
                g["barcodes"] = np.array([f"ACGTACGTACGT-{i}" for i in range(9)], "S18")
                g["data"], g["indices"], g["indptr"] = y.data.astype("i4"), y.indices.astype("i8"), y.indptr.astype("i8")
                g["shape"] = np.array([7, 9], "i4")
                g["genes"] = np.array([f"ENSG0000000000{i}" for i in range(7)], "S20")
                g["gene_names"] = np.array(GENES, "S10")
    with h5py.File(f"{HERE}/tenx_broken.h5", "w") as f:
        f["matrix/barcodes"], f["matrix/data"] = np.array([b"A", b"B"]), [1, 2]


def mtx_text(x, kind):
    out = io.BytesIO()
    sio.mmwrite(out, x, field=kind, comment="a comment")
    return out.getvalue()


def write_mtx(rng):
    x = sparse.coo_matrix(counts(rng, 7, 9))  # genes × cells
    barcodes = "".join(f"ACGTACGTACGT-{i}\n" for i in range(9)).encode()
    ids = [f"ENSG0000000000{i}" for i in range(7)]
    v2 = "".join(f"{i}\t{g}\n" for i, g in zip(ids, GENES)).encode()
    types = ["Gene Expression"] * 5 + ["Antibody Capture", "Gene Expression"]
    v3 = "".join(f"{i}\t{g}\t{t}\n" for i, g, t in zip(ids, GENES, types)).encode()
    os.makedirs(f"{HERE}/mtx_v2")
    for name, data in [("matrix.mtx", mtx_text(x.astype("i4"), "integer")), ("barcodes.tsv", barcodes), ("genes.tsv", v2)]:
        with open(f"{HERE}/mtx_v2/{name}", "wb") as f:
            f.write(data)
    os.makedirs(f"{HERE}/mtx_v3")
    y = x.astype("f8")
    y.data = y.data / 3
    # entries in no order
    order = rng.permutation(len(y.data))
    y = sparse.coo_matrix((y.data[order], (y.row[order], y.col[order])), y.shape)
    for name, data in [("matrix.mtx", mtx_text(y, "real")), ("barcodes.tsv", barcodes), ("features.tsv", v3)]:
        zipped(f"{HERE}/mtx_v3/GSM1_{name}.gz", data)


def write_loom(rng):
    x = counts(rng, 7, 9)
    rows = {"Gene": np.array(GENES), "Length": np.arange(7), "Chromosome": np.array(list("1122XXY"))}
    cols = {"CellID": np.array(names("c", 9)), "ClusterName": np.array(list("aabbccabc")), "Total": x.sum(0)}
    loompy.create(f"{HERE}/small.loom", {"": x, "log": np.log1p(x)}, rows, cols)
    with h5py.File(f"{HERE}/small.loom", "r+") as f:
        for g in [f["attrs"], *(f[k] for k in ("row_attrs", "col_attrs"))]:
            for k in list(g.attrs):
                del g.attrs[k]
        for k in ("CreationDate", "last_modified"):
            if k in f["attrs"]:
                del f["attrs"][k]
    # written by hand: other names, types, chunks
    with h5py.File(f"{HERE}/unnamed.loom", "w") as f:
        f.create_dataset("matrix", data=x.astype("i2"), chunks=(4, 2), compression="gzip")
        f.create_group("layers")
        f.create_group("row_attrs")
        f["col_attrs/obs_names"] = np.array(names("c", 9), "S3")
        f["col_attrs/pca"] = np.zeros((9, 2))


def write_text(rng):
    x = counts(rng, 5, 4)
    x[0] = [0.5, 12345.678, 3e-7, 1e5]
    samples, genes = names("GSM10", 5), ["TP53", "EGFR", "ACTB", "GAPDH"]
    a = pd.DataFrame(x, samples, genes)
    files = {
        "genes_rows.csv": a.T.to_csv(),
        "samples_rows.tsv": a.to_csv(sep="\t"),
        "semicolons_comma.csv": a.T.to_csv(sep=";", decimal=","),
        "blanks_r.txt": '"' + '" "'.join(samples) + '"\n' + "".join(f'"{g}" ' + " ".join(map(repr, map(float, a[g]))) + "\n" for g in genes),
    }
    b = a.copy()
    b.insert(0, "type", list("ababa"))
    b.insert(3, "note, long", ['say "x"', "y,z", "", "é", "u"])
    b.iloc[1, 4] = np.nan
    files["annotated.csv"] = b.to_csv(lineterminator="\r\n")
    c = a.T.copy()
    c.insert(0, "Description", ["one", "two", "na", "four"])
    files["genes.gct"] = "#1.2\n4\t5\n" + c.to_csv(sep="\t", index_label="Name")
    files["series_matrix.txt"] = (
        '!Series_title\t"x"\n!Sample_title\t"a"\t"b"\n\n!series_matrix_table_begin\n'
        + a.T.to_csv(sep="\t", index_label="ID_REF", quoting=2)
        + "!series_matrix_table_end\n"
    )
    files["label_row.csv"] = "gene," + ",".join(samples) + "\nsubtype,a,b,a,b,a\n" + a.T.to_csv(header=False)
    for name, text in files.items():
        with open(f"{HERE}/{name}", "w", newline="") as f:
            f.write(text)
    zipped(f"{HERE}/utf16.txt.gz", a.T.to_csv(sep="\t").encode("utf-16"))
    with open(f"{HERE}/labels.tsv", "w") as f:
        f.write("sample\tsubtype\tage\n" + "".join(f"{s}\t{t}\t{y}\n" for s, t, y in zip(reversed(samples), "xyxyx", [30, 40, 50, 60, "NA"])))
    return a, b, c


def whole(a, storage, dtype, stored, layers=None):
    out = {"obs": freeze_frame(a.obs), "var": freeze_frame(a.var), "layers": {}, "raw": None}
    out["X"] = freeze_matrix(a.X, {"storage": storage, "dtype": dtype, "stored": stored})
    for k in layers or []:
        out["layers"][k] = freeze_matrix(a.layers[k], {"storage": storage, "dtype": dtype, "stored": stored})
    return out


def expression_only(a):
    return a[:, a.var["feature_types"] == "Gene Expression"]


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    rng = np.random.default_rng(5)
    write_tenx(rng)
    write_mtx(rng)
    write_loom(rng)
    a, b, c = write_text(rng)

    out = {}
    t3 = sc.read_10x_h5(f"{HERE}/tenx_v3.h5", gex_only=False)
    out["tenx_v3.h5"] = whole(expression_only(t3), "csr", "int32", t3.X.nnz)
    t2 = sc.read_10x_h5(f"{HERE}/tenx_v2.h5")
    out["tenx_v2.h5"] = whole(t2, "csr", "int32", t2.X.nnz)
    m2 = sc.read_10x_mtx(f"{HERE}/mtx_v2", make_unique=False)
    out["mtx_v2"] = whole(m2, "csr", "int64", m2.X.nnz)
    m3 = sc.read_10x_mtx(f"{HERE}/mtx_v3", make_unique=False, prefix="GSM1_", gex_only=False)
    out["mtx_v3"] = whole(expression_only(m3), "csr", "float64", m3.X.nnz)
    with h5py.File(f"{HERE}/small.loom") as f:
        dtype = str(f["matrix"].dtype)
    lo = ad.io.read_loom(f"{HERE}/small.loom", sparse=False, validate=False)
    # the reader gives attributes in the order of their names
    lo.obs, lo.var = lo.obs[sorted(lo.obs)], lo.var[sorted(lo.var)]
    out["small.loom"] = whole(lo, "dense", dtype, None, ["log"])

    plain = ad.AnnData(a.to_numpy("f4"), obs=a[[]], var=a.T[[]])
    for name in ["genes_rows.csv", "samples_rows.tsv", "semicolons_comma.csv", "blanks_r.txt", "series_matrix.txt", "utf16.txt.gz"]:
        out[name] = whole(plain, "dense", "text", None)
    genes = list(a.columns)
    obs = b[["type", "note, long"]].replace("", None)
    out["annotated.csv"] = whole(ad.AnnData(b[genes].to_numpy("f4"), obs=obs, var=a.T[[]]), "dense", "text", None)
    out["genes.gct"] = whole(ad.AnnData(a.to_numpy("f4"), obs=a[[]], var=c[["Description"]]), "dense", "text", None)
    row = a[[]].assign(subtype=list("ababa"))
    out["label_row.csv"] = whole(ad.AnnData(a.to_numpy("f4"), obs=row, var=a.T[[]]), "dense", "text", None)
    out = {f"{HERE}/{name}": frozen for name, frozen in out.items()}

    real = "../shared/data/oligodendroglioma_expression_downsampled.counts.matrix.gz"
    if os.path.exists(real):
        d = pd.read_csv(real, sep="\t", index_col=0).T
        out[real] = whole(ad.AnnData(d.to_numpy("f4"), obs=d[[]], var=d.T[[]]), "dense", "text", None)
    with open("test/fixtures/formats.json", "w") as f:
        versions = {"scanpy": sc.__version__, "anndata": ad.__version__, "loompy": loompy.__version__, "pandas": pd.__version__}
        json.dump({**versions, "files": out}, f, ensure_ascii=False, indent=0, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
