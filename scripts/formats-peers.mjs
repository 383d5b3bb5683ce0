// npm run formats:peers: freezes anew how the Python peers read the fixtures and the files of ../shared/data, for
// docs/formats.md and the tests of the readers. $PEER_PYTHON: the Python that has them (bench/peers/requirements.txt).
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const python = process.env.PEER_PYTHON ?? "python3";
for (const name of ["h5ad", "hdf5", "zarr_store", "formats", "rds"])
  execFileSync(python, [`test/oracles/${name}.py`], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: "inherit",
  });
