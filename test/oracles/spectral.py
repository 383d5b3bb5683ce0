"""Oracle of src/encode/spectral.ts (the published formula in numpy float64, drawn with PIL) and src/io/png.ts.

usage: bench/peers/.venv/bin/python test/oracles/spectral.py      (writes test/fixtures/spectral.json and png.json)
"""
import base64
import hashlib
import io
import json

import numpy as np
from PIL import Image, ImageDraw

rng = np.random.default_rng(5)
b64 = lambda a: base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()


def norm(v):
    return (v - v.min(0)) / (v.max(0) - v.min(0) + 1e-8)


def case(n, size, point):
    tsne = rng.normal(size=(n, 2)).astype(np.float32) * 20
    pc1 = rng.gamma(2.0, 3.0, size=n).astype(np.float32)
    umap1 = rng.uniform(-8, 12, size=n).astype(np.float32)
    t, g, b = (norm(a.astype(np.float64)) for a in (tsne, pc1, umap1))
    xy = (t * (size - 1)).astype(int)
    rgb = (np.stack([t[:, 0], g, b], axis=1) * 255).astype(np.uint8)
    hashes = []
    for (x, y), colour in zip(xy.tolist(), rgb.tolist()):
        image = Image.new("RGB", (size, size))
        ImageDraw.Draw(image).rectangle([x - point, y - point, x + point, y + point], fill=tuple(colour))
        hashes.append(hashlib.sha256(image.tobytes()).hexdigest()[:16])
    return dict(n=n, size=size, point=point, tsne=b64(tsne), pc1=b64(pc1), umap1=b64(umap1),
                x=xy[:, 0].tolist(), y=xy[:, 1].tolist(), rgb=rgb.ravel().tolist(), sha256=hashes)


cases = [case(1, 128, 3), case(200, 128, 3), case(37, 17, 3), case(20, 5, 3), case(9, 1, 3), case(15, 64, 0)]
json.dump(cases, open("test/fixtures/spectral.json", "w"))


def png(mode):
    """A small picture of a mode, and the RGB that PIL reads back from it (transparency dropped)."""
    rgb = rng.integers(0, 256, size=(3, 5, 3), dtype=np.uint8)
    image = Image.fromarray(rgb)
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    if mode == "RGBA":
        image.putalpha(200)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    plain = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    return dict(mode=mode, width=5, height=3, png=base64.b64encode(buffer.getvalue()).decode(), rgb=plain.ravel().tolist())


json.dump([png(mode) for mode in ("RGB", "L", "P", "RGBA")], open("test/fixtures/png.json", "w"))
