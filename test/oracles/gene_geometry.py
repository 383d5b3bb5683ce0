"""Oracle of convex-hull.ts, minimum-rectangle.ts, bin-placing.ts and quantile-placing.ts in src/encode/genes/.

usage: python test/oracles/gene_geometry.py      (writes test/fixtures/gene_geometry.json). Needs: numpy, scipy.
Points are drawn from numpy's RandomState, which cellhue reproduces, or listed. Hull: scipy's ConvexHull, without points on an edge.
Rectangle: the least area over all edges of that hull, each tried. Bins: the two coordinates scaled to 0…1, times (pixels − 1),
half rounded up. Quantile bins: scipy's average ranks.
"""
import json
import os

import numpy as np
from scipy.spatial import ConvexHull
from scipy.stats import rankdata


def drawn(seed, n, kind):
    r = np.random.RandomState(seed)
    p = r.standard_normal((n, 2))
    if kind == "skewed":
        p = p @ np.array([[3.0, 1.0], [0.0, 0.2]])
    if kind == "grid":  # many ties, many points on edges
        p = np.rint(p * 2)
    if kind == "disc":
        p = p / np.linalg.norm(p, axis=1, keepdims=True)
    return p


def rectangle(hull):
    best = None
    for a, b in zip(hull, np.roll(hull, -1, 0)):
        t = np.arctan2(*(b - a)[::-1])
        turned = hull @ np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        sides = np.ptp(turned, axis=0)
        if best is None or sides.prod() < best[0]:
            best = (sides.prod(), sorted(sides))
    return best


def corners(p):
    """scipy's hull without repeated and collinear corners, as sorted unique coordinates"""
    h = p[ConvexHull(p).vertices]
    keep = []
    for i in range(len(h)):
        a, b, c = h[i - 1], h[i], h[(i + 1) % len(h)]
        if abs((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])) > 1e-12:
            keep.append(b)
    return np.array(keep)


def bins(v, pixels):
    return np.floor((v - v.min()) / (v.max() - v.min()) * (pixels - 1) + 0.5).astype(int)


def quantiles(v, pixels):
    return np.floor((rankdata(v, method="average") - 0.5) * pixels / len(v)).astype(int)


cases = []
for seed, (n, kind, height, width) in enumerate([
    (4, "cloud", 3, 5), (5, "cloud", 8, 8), (17, "cloud", 4, 9), (300, "cloud", 16, 11), (500, "skewed", 20, 31), (200, "grid", 7, 7),
    (60, "grid", 1, 6), (101, "disc", 12, 12), (33, "skewed", 1, 1),
]):
    p = drawn(seed, n, kind)
    c = corners(p)
    area, sides = rectangle(c)
    cases.append(dict(
        n=n, kind=kind, height=height, width=width, hull=sorted(c.tolist()), hullArea=float(ConvexHull(p).volume), area=float(area), sides=[float(s) for s in sides],
        bins=(bins(p[:, 1], height) * width + bins(p[:, 0], width)).tolist(), quantiles=(quantiles(p[:, 1], height) * width + quantiles(p[:, 0], width)).tolist(),
    ))
text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":"), ensure_ascii=False) for c in cases) + "\n]\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/gene_geometry.json"), "w").write(text)
print(len(cases), "cases", len(text), "bytes")
