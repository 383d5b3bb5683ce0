"""Writes small .h5ad files of every HDF5 superblock, with a user block, and with every filter that is said to be read
(h5py and hdf5plugin): test/fixtures/hdf5/, and freezes how anndata reads them: test/fixtures/hdf5.json, in the form of
test/oracles/h5ad.py. Run from the repository root."""

import ctypes
import glob
import json
import os
import shutil
import sys
import warnings

import anndata as ad
import h5py
import hdf5plugin
import numpy as np

sys.path.insert(0, "test/oracles")
from h5ad import counts, freeze, names, write_frame, write_sparse  # noqa: E402
from scipy import sparse  # noqa: E402

warnings.filterwarnings("ignore")
HERE = "test/fixtures/hdf5"


def start(f, rows, cols):
    f.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    write_frame(f, "obs", names("s", rows))
    write_frame(f, "var", names("g", cols))


def superblock(path):
    """The version byte behind the signature, which may stand behind a user block."""
    with open(path, "rb") as f:
        data = f.read()
    return data[data.index(b"\x89HDF\r\n\x1a\n") + 8]


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    rng = np.random.default_rng(11)
    x = counts(rng, 13, 17)

    versions = {}
    for name, low in [("earliest", "earliest"), ("v108", "v108"), ("v110", "v110"), ("v114", "v114")]:
        with h5py.File(f"{HERE}/{name}.h5ad", "w", libver=(low, "v114")) as f:
            start(f, 13, 17)
            # what each version indexes chunks by: B-tree, fixed array, extensible array, single chunk, implicit
            f.create_dataset("X", data=x, chunks=(5, 4), compression="gzip")
            f.create_dataset("layers/extensible", data=x * 2, chunks=(5, 4), maxshape=(None, 17))
            f.create_dataset("layers/both", data=x * 3, chunks=(5, 4), maxshape=(None, None), compression="lzf")
            f.create_dataset("layers/single", data=x * 4, chunks=(13, 17), compression="gzip", shuffle=True)
            f.create_dataset("layers/contiguous", data=x * 5)
            write_sparse(f.create_group("layers/csc"), sparse.csc_matrix(x), "csc", index="i8", chunks=(5,), compression="gzip")
        versions[name] = superblock(f"{HERE}/{name}.h5ad")
    # version 1 is written where the B-trees of chunks have a size of their own
    fcpl = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    (library,) = glob.glob(f"{os.path.dirname(h5py.__file__)}.libs/libhdf5-*")  # h5py has no call for it
    ctypes.CDLL(library).H5Pset_istore_k(ctypes.c_int64(fcpl.id), 64)
    fapl = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    fapl.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    fid = h5py.h5f.create(f"{HERE}/btrees.h5ad".encode(), h5py.h5f.ACC_TRUNC, fcpl=fcpl, fapl=fapl)
    with h5py.File(fid) as f:
        start(f, 13, 17)
        f.create_dataset("X", data=x, chunks=(5, 4))
    versions["btrees"] = superblock(f"{HERE}/btrees.h5ad")
    with h5py.File(f"{HERE}/user_block.h5ad", "w", userblock_size=1024) as f:
        start(f, 13, 17)
        f["X"] = x
    versions["user_block"] = superblock(f"{HERE}/user_block.h5ad")

    filters = {
        "gzip_9": dict(compression="gzip", compression_opts=9),
        "gzip_shuffle_sums": dict(compression="gzip", shuffle=True, fletcher32=True),
        "lzf_shuffle": dict(compression="lzf", shuffle=True),
        "zstd": hdf5plugin.Zstd(),
        "lz4": hdf5plugin.LZ4(),
        "bzip2": hdf5plugin.BZip2(),
        "bitshuffle": hdf5plugin.Bitshuffle(),
        "bitshuffle_zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    }
    for codec in ("blosclz", "lz4", "lz4hc", "zstd"):
        for shuffle in (0, 1, 2):
            filters[f"blosc_{codec}_{shuffle}"] = hdf5plugin.Blosc(cname=codec, clevel=5, shuffle=shuffle)
    for codec in ("blosclz", "lz4", "zstd"):
        filters[f"blosc2_{codec}"] = hdf5plugin.Blosc2(cname=codec)
    with h5py.File(f"{HERE}/filters.h5ad", "w") as f:
        start(f, 40, 17)
        big = counts(rng, 40, 17)
        f.create_dataset("X", data=big, chunks=(20, 17))
        for k, (name, options) in enumerate(filters.items()):
            f.create_dataset(f"layers/{name}", data=big * (k + 1), chunks=(20, 17), **options)
        f.create_dataset("layers/scaleoffset", data=big.astype("i4"), chunks=(20, 17), scaleoffset=0)

    # what is not read, and must be refused: the plugin has no zlib; layouts that only HDF5 2 knows
    with h5py.File(f"{HERE}/refused.h5", "w", libver=("latest", "latest")) as f:
        start(f, 13, 17)
        f["X"] = x
        f.create_dataset("layers/gzip", data=x, chunks=(5, 4), compression="gzip")
    with h5py.File(f"{HERE}/refused_blosc.h5", "w") as f:
        start(f, 13, 17)
        f.create_dataset("X", data=x, chunks=(5, 4), **hdf5plugin.Blosc(cname="zlib"))
        f.create_dataset("layers/blosc2", data=x, chunks=(5, 4), **hdf5plugin.Blosc2(cname="zlib"))

    # claims that no file of a few kB can keep: no chunk is written, so what is claimed would be zeros
    with h5py.File(f"{HERE}/refused_claims.h5", "w") as f:
        start(f, 13, 17)
        f.create_dataset("X", shape=(13, 17), chunks=(2**26, 3), maxshape=(None, None), dtype="f8", compression="gzip")
        f.create_dataset("layers/shape", shape=(2**40, 2**20), chunks=(1024, 1024), dtype="f4", compression="gzip")
        f.create_dataset("layers/rows", shape=(2**60,), chunks=(1024,), dtype="f4", compression="gzip")

    files = sorted(f"{HERE}/{name}" for name in os.listdir(HERE) if name.endswith(".h5ad"))
    frozen = {path: freeze(path) for path in files}
    with open("test/fixtures/hdf5.json", "w") as f:
        out = {"anndata": ad.__version__, "h5py": h5py.__version__, "hdf5": h5py.version.hdf5_version, "superblocks": versions}
        json.dump({**out, "files": frozen}, f, ensure_ascii=False, indent=0, separators=(",", ":"))
        f.write("\n")
    print(versions)


if __name__ == "__main__":
    main()
