"""Asks anndata whether what `writeObsColumns` writes is what it was given, and all else is as it was. Not a part of `npm test`,
but for the two files of test/fixtures/predict that it makes: `latest.h5ad`, of HDF5's newest layout behind a user block, and
`boolean_type.json`, the datatype message of a boolean that h5py has written.

Takes every .h5ad of test/fixtures/h5ad, the demo file and (where they are there) ../shared/data: adds five columns, reads
back; writes again over the columns with other values and more categories; reads back; lets anndata write that file anew
and writes over those columns. Files with obs of anndata < 0.7 must be refused, with nothing left behind.
Usage, from the repository root after `npm run build`: python test/oracles/predict_obs.py   (exit code 1 where they disagree)
Needs: anndata, h5py, hdf5plugin (for one file), numpy, pandas, scipy.
"""
import glob, json, os, subprocess, sys, tempfile, warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

try:
    import hdf5plugin  # noqa: F401
except ImportError:
    pass
warnings.filterwarnings("ignore")
HERE = "test/fixtures/predict"

NODE = """
import { writeObsColumns } from "./dist/io/h5ad/write-obs.js";
let text = ""; for await (const part of process.stdin) text += part;
const { source, target, columns } = JSON.parse(text);
const types = { number: Float32Array, boolean: Uint8Array };
for (const c of columns) {
  if (c.kind === "categorical") c.codes = Int32Array.from(c.codes);
  else if (types[c.kind]) c.values = (c.double ? Float64Array : types[c.kind]).from(c.values);
}
try { await writeObsColumns(source, target, columns); }
catch (error) { if (error.name !== "CellhueError") throw error; console.error(error.describe()); process.exit(2); }
"""


def make():
    os.makedirs(HERE, exist_ok=True)
    rng = np.random.default_rng(2)
    a = ad.AnnData(
        X=sparse.csr_matrix(rng.poisson(1, (5, 4)).astype("f4")),
        obs=pd.DataFrame({"type": pd.Categorical(list("abaab")), "n": range(5)}, index=[f"s{i}" for i in range(5)]),
        var=pd.DataFrame(index=[f"g{j}" for j in range(4)]),
    )
    a.write_h5ad(f"{HERE}/old.h5ad")
    # the same objects by the library's newest layout (superblock 3, dense attributes, no symbol tables)
    with h5py.File(f"{HERE}/old.h5ad") as old, h5py.File(f"{HERE}/latest.h5ad", "w", libver="latest", userblock_size=1024) as new:
        new.attrs.update(dict(old.attrs))
        for key in old:
            old.copy(key, new)
    os.remove(f"{HERE}/old.h5ad")
    with h5py.File(f"{HERE}/tmp.h5", "w") as f:
        f["x"] = np.array([True, False])
    data = open(f"{HERE}/tmp.h5", "rb").read()
    os.remove(f"{HERE}/tmp.h5")
    at = data.index(b"FALSE")
    message = data[at - 20 : at + 18]  # class, members and size (8 bytes), base type (12); names (16), values (2)
    with open(f"{HERE}/boolean_type.json", "w") as f:
        json.dump({"h5py": h5py.__version__, "hdf5": h5py.version.hdf5_version, "message": list(message)}, f)
        f.write("\n")


def columns(n, seed, categories):
    rng = np.random.default_rng(seed)
    return [
        dict(name="cellhue_predicted", kind="categorical", categories=categories, codes=rng.integers(-1, len(categories), n).tolist()),
        dict(name="cellhue_confidence", kind="number", values=rng.random(n).astype("f4").astype(float).tolist()),
        dict(name="cellhue_distance", kind="number", double=True, values=rng.random(n).tolist()),
        dict(name="cellhue_outlier", kind="boolean", values=rng.integers(0, 2, n).tolist()),
        dict(name="cellhue_label_set", kind="string", values=["[\"ü → 😀\"]"[: int(k)] for k in rng.integers(0, 10, n)]),
    ]


def write(source, target, cols):
    done = subprocess.run(
        ["node", "--input-type=module", "-e", NODE], text=True, capture_output=True,
        input=json.dumps(dict(source=source, target=target, columns=cols)),
    )
    assert done.returncode in (0, 2), done.stderr
    return done


def check(path, cols, original):
    a = ad.read_h5ad(path)
    got = a.obs
    names = [c["name"] for c in cols]
    kept = [c for c in original.obs.columns if not c.startswith("cellhue_")]
    assert list(got.columns) == kept + names, list(got.columns)
    for c in cols:
        s = got[c["name"]]
        if c["kind"] == "categorical":
            expected = pd.Categorical.from_codes(c["codes"], c["categories"])
            assert not s.cat.ordered and list(s.cat.categories) == c["categories"]
            assert (s.cat.codes.to_numpy() == expected.codes).all() and s.cat.codes.dtype == expected.codes.dtype
        elif c["kind"] == "number":
            assert s.dtype == ("float64" if c.get("double") else "float32") and (s.to_numpy() == np.array(c["values"], s.dtype)).all()
        elif c["kind"] == "boolean":
            assert s.dtype == bool and (s.to_numpy() == np.array(c["values"], bool)).all()
        else:
            assert s.tolist() == c["values"]
    pd.testing.assert_frame_equal(got[kept], original.obs[kept])
    pd.testing.assert_frame_equal(a.var, original.var)


def objects(path):
    """Raw bytes, type and attributes of all that a file holds outside of the columns."""
    found = {}

    def visit(name, item):
        if "cellhue_" in name:
            return
        attrs = {k: (v.shape, v.dtype.str if hasattr(v, "dtype") else "", np.asarray(v).tolist() if not isinstance(v, h5py.Reference) else item[v].name)
                 for k, v in item.attrs.items() if not (name == "obs" and k == "column-order")
                 for v in [v if hasattr(v, "shape") or isinstance(v, h5py.Reference) else np.asarray(v)]
                 if not isinstance(v, h5py.Reference)}
        if isinstance(item, h5py.Dataset):
            plain = item.dtype.kind not in "OV"
            raw = item[()].tobytes() if plain else repr(item[()])
            found[name] = (item.shape, str(item.dtype), item.chunks, item.compression, raw, attrs)
        else:
            found[name] = attrs

    with h5py.File(path) as f:
        f.visititems(visit)
        found["/"] = {k: str(v) for k, v in f.attrs.items()}
    found.pop("obs/__categories", None)
    return found


def main():
    make()
    files = sorted(glob.glob("test/fixtures/h5ad/*.h5ad")) + sorted(glob.glob(f"{HERE}/*.h5ad"))
    files += ["assets/demo/infercnvpy_oligodendroglioma.h5ad"]
    files += sorted(glob.glob("../shared/data/*.h5ad")) + sorted(glob.glob("../shared/data/formats/*.h5ad"))
    counts = dict(read=0, refused=0)
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            first, second, anew, third = (os.path.join(folder, f"{k}.h5ad") for k in ("first", "second", "anew", "third"))
            original = ad.read_h5ad(path)
            n = original.n_obs
            with h5py.File(path) as f:
                old = isinstance(f["obs"], h5py.Dataset)
            a, b = columns(n, 1, ["x", "y/z"]), columns(n, 2, ["ü", "x", "😀", "unassigned"])
            done = write(path, first, a)
            if old:
                assert done.returncode == 2 and "0.7" in done.stderr and os.listdir(folder) == [], done.stderr
                counts["refused"] += 1
                continue
            assert done.returncode == 0, done.stderr
            check(first, a, original)
            assert objects(first) == objects(path), path
            # over our own columns: more categories, and one column less
            assert write(first, second, b[:4]).returncode == 0
            check(second, b[:4], original)
            assert objects(second) == objects(path), path
            # over columns that anndata has written: the same number of categories fits, another does not
            again = ad.read_h5ad(first)
            ad.settings.allow_write_nullable_strings = True
            try:
                again.write_h5ad(anew)
            except Exception as error:  # some old files hold what today's anndata does not write
                print(f"{path}: not written anew by anndata ({type(error).__name__})")
                again = None
            if again is not None:
                kept = columns(n, 3, ["p", "q"])[:4]
                done = write(anew, third, kept)
                assert done.returncode == 0, done.stderr
                check(third, kept, again)
                done = write(anew, third, b)
                assert done.returncode == 2 and "cannot be written over" in done.stderr, done.stderr
            for name in os.listdir(folder):
                os.remove(os.path.join(folder, name))
            counts["read"] += 1
            print(f"{path}: {n} rows, as written")
    print(f"anndata {ad.__version__}: {counts['read']} files as written, {counts['refused']} of anndata < 0.7 refused")


if __name__ == "__main__":
    main()
    sys.exit(0)
