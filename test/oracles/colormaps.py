"""Freezes matplotlib's "hot" and "viridis" as bytes: test/fixtures/colormaps.json. Run from the repository root."""
import json
import matplotlib
import numpy as np

levels = np.arange(256)
# Values between and on the borders of the 256 steps, and outside of 0...1.
values = [-0.5, 0.0, 1e-9, 1 / 256, 0.00390624, 0.25, 0.365079, 0.5, 0.746032, 0.999, 1.0, 1.5]
out = {"matplotlib": matplotlib.__version__, "values": values}
for name in ("hot", "viridis"):
    cmap = matplotlib.colormaps[name]
    out[name] = cmap(levels, bytes=True)[:, :3].ravel().tolist()
    out[name + "_of_values"] = cmap(np.array(values), bytes=True)[:, :3].tolist()
with open("test/fixtures/colormaps.json", "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
