"""Writes the small zarr stores of test/fixtures/zarr/ (zip archives, as anndata and zarr-python write them) and freezes
how anndata reads them and (where they are there) the stores of ../shared/data/formats: test/fixtures/zarr.json, in the
form of test/oracles/h5ad.py. Run from the repository root."""

import glob
import json
import os
import shutil
import sys
import warnings
import zipfile

import anndata as ad
import numcodecs
import numpy as np
import pandas as pd
import zarr
from scipy import sparse
from zarr.storage import ZipStore

sys.path.insert(0, "test/oracles")
from h5ad import counts, frame, freeze_frame, freeze_matrix  # noqa: E402

warnings.filterwarnings("ignore")
HERE = "test/fixtures/zarr"


def pack(folder, name, deflate=False):
    """The folder as a zip archive of the same bytes at every run."""
    path = f"{HERE}/{name}.zarr.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as z:
        for root, folders, files in os.walk(folder):
            folders.sort()
            for file in sorted(files):
                full = os.path.join(root, file)
                info = zipfile.ZipInfo(os.path.relpath(full, folder), (2020, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
                with open(full, "rb") as f:
                    z.writestr(info, f.read())
    shutil.rmtree(folder)


def data(rng):
    n = 12
    obs = frame(
        "s",
        n,
        text=["b", "a", "B", "é\U0001f600"] * 3,
        category=pd.Categorical(["x", None, "y", "x"] * 3, categories=["y", "x", "unused"]),
        ordered=pd.Categorical(["low", "high", "mid"] * 4, categories=["low", "mid", "high"], ordered=True),
        int_category=pd.Categorical([10, 9, 10, 2] * 3),
        integer=[1, 2, -3] * 4,
        number=[0.5, np.nan, 2.0] * 4,
        flag=[True, False, False] * 4,
        some_integer=pd.array([1, None, 3] * 4, dtype="Int64"),
        some_flag=pd.array([True, None, False] * 4, dtype="boolean"),
    )
    obs["per cent % # ?"] = ["__proto__", "constructor", ""] * 4
    x = counts(rng, n, 7)
    x[4] = 0
    a = ad.AnnData(X=sparse.csr_matrix(x), obs=obs, var=frame("g", 7, chromosome=pd.Categorical(list("1122XXY"))))
    a.layers["csc"] = sparse.csc_matrix(x * 2)
    a.layers["dense"] = (x * 3).astype("f8")
    a.raw = ad.AnnData(X=counts(rng, n, 9), obs=obs[[]], var=frame("r", 9, size=np.arange(9)))
    return a


def group(folder, version, rows, cols):
    """An AnnData store with nothing in it but names: arrays are put into its layers by hand."""
    with_format(version)
    ad.AnnData(obs=frame("s", rows), var=frame("g", cols)).write_zarr(folder)
    return zarr.open_group(folder, mode="r+", zarr_format=version)


def with_format(version):
    ad.settings.zarr_write_format = version


def make():
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    rng = np.random.default_rng(3)
    for version in (2, 3):
        a = data(rng)
        with_format(version)
        a.write_zarr(f"{HERE}/whole", convert_strings_to_categoricals=False)
        pack(f"{HERE}/whole", f"whole_v{version}", deflate=version == 3)

        g = group(f"{HERE}/types", version, 5, 3)
        whole = rng.integers(0, 100, (5, 3))
        kinds = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f8", ">i4", ">i8", "bool"]
        for t in kinds:
            x = whole - (50 if t[-2] in "fi" else 0) + (rng.random((5, 3)) if t[-2] == "f" else 0)
            x = whole > 50 if t == "bool" else x.astype(t)
            if version == 3 and t[0] == ">":
                from zarr.codecs import BytesCodec

                g.create_array(f"layers/be_{t[1:]}", data=x.astype(t[1:]), chunks=(2, 2), serializer=BytesCodec(endian="big"))
            else:
                g.create_array(f"layers/{t.replace('>', 'be_')}", data=x, chunks=(2, 2))
        pack(f"{HERE}/types", f"types_v{version}")

        x = counts(rng, 13, 17)
        g = group(f"{HERE}/chunks", version, 13, 17)
        if version == 2:
            c = {
                "gzip": numcodecs.GZip(5),
                "zlib": numcodecs.Zlib(5),
                "lz4": numcodecs.LZ4(),
                "zstd": numcodecs.Zstd(3),
                "none": None,
            }
            for name in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
                for shuffle in (0, 1, 2):
                    c[f"blosc_{name}_{shuffle}"] = numcodecs.Blosc(name, 5, shuffle)
            for i, (name, compressor) in enumerate(c.items()):
                g.create_array(f"layers/{name}", data=x * (i + 1), chunks=(5, 4), compressors=compressor)
            g.create_array("layers/fortran", data=np.asfortranarray(x * 7), chunks=(5, 4), order="F")
            g.create_array("layers/shuffled", data=x * 8, chunks=(5, 4), filters=[numcodecs.Shuffle(4)])
            g.create_array("layers/delta", data=x * 9, chunks=(5, 4), filters=[numcodecs.Delta("f4")])
        else:
            from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

            c = {"gzip": GzipCodec(), "zstd": ZstdCodec(), "sums": Crc32cCodec(), "none": None}
            for name in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
                c[f"blosc_{name}"] = BloscCodec(cname=name, shuffle="shuffle")
            for i, (name, compressor) in enumerate(c.items()):
                g.create_array(f"layers/{name}", data=x * (i + 1), chunks=(5, 4), compressors=compressor)
            g.create_array("layers/turned", data=x * 7, chunks=(5, 4), filters=[TransposeCodec(order=(1, 0))])
            g.create_array("layers/shards", data=x * 8, chunks=(2, 3), shards=(6, 9))
        filled = g.create_array("layers/filled", shape=(13, 17), dtype="f4", chunks=(4, 4), fill_value=2.5)
        filled[:4, :4] = 1.0
        g.create_array("layers/unwritten", shape=(13, 17), dtype="i8", chunks=(4, 4), fill_value=0)
        pack(f"{HERE}/chunks", f"chunks_v{version}")

        for rows, cols in [(0, 4), (3, 0), (1, 1)]:
            with_format(version)
            a = ad.AnnData(X=counts(rng, rows, cols), obs=frame("s", rows), var=frame("g", cols))
            a.layers["csr"] = sparse.csr_matrix((rows, cols), dtype="f4")
            a.write_zarr(f"{HERE}/empty")
            pack(f"{HERE}/empty", f"empty_v{version}_{rows}x{cols}")


def as_stored(g, where):
    e = g[where]
    if isinstance(e, zarr.Array):
        return {"storage": "dense", "dtype": str(e.dtype.newbyteorder("=")), "stored": None}
    return {
        "storage": e.attrs["encoding-type"][:3],
        "dtype": str(e["data"].dtype.newbyteorder("=")),
        "stored": int(e["data"].shape[0]),
    }


def freeze(path):
    store = ZipStore(path, mode="r") if path.endswith(".zip") else path
    g = zarr.open_group(store, mode="r", use_consolidated=False)
    # element by element: uns of one file holds a type that only a later zarr-python reads
    read = lambda at: ad.io.read_elem(g[at])  # noqa: E731
    out = {"obs": freeze_frame(read("obs")), "var": freeze_frame(read("var")), "X": None, "layers": {}, "raw": None}
    x = read("X") if "X" in g else None
    if x is not None:
        out["X"] = freeze_matrix(x, as_stored(g, "X"))
    for k in sorted(g["layers"]) if "layers" in g else []:
        out["layers"][k] = freeze_matrix(read(f"layers/{k}"), as_stored(g, f"layers/{k}"))
    if "raw/X" in g:
        out["raw"] = {"X": freeze_matrix(read("raw/X"), as_stored(g, "raw/X")), "var": freeze_frame(read("raw/var"))}
    return out


if __name__ == "__main__":
    make()
    files = sorted(glob.glob(f"{HERE}/*.zip")) + sorted(glob.glob("../shared/data/formats/*.zarr*"))
    frozen = {path: freeze(path) for path in files}
    with open("test/fixtures/zarr.json", "w") as f:
        json.dump({"anndata": ad.__version__, "zarr": zarr.__version__, "files": frozen}, f, ensure_ascii=False, indent=0, separators=(",", ":"))
        f.write("\n")
