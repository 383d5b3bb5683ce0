"""Oracle of src/encode/genes/fft.ts and fotomics.ts: numpy's fft, fftshift and percentile.

usage: python test/oracles/fotomics.py      (writes test/fixtures/fotomics.json). Needs: numpy.
Inputs are drawn from numpy's RandomState, which cellhue reproduces. Of long transforms a few coefficients and the sum of the moduli are
kept. Layouts: samples scaled by "norm-2" (METHOD §4, written here), spots of long ones.
"""
import json
import os

import numpy as np


def spots(n): return np.unique(np.linspace(0, n - 1, min(n, 24)).astype(int))


def pairs(z): return np.stack([z.real, z.imag], -1).ravel().tolist()


transforms = []
for n in (1, 2, 3, 4, 5, 8, 15, 31, 64, 97, 1000, 9450, 20011):
    r = np.random.RandomState([n, 0])
    x = r.standard_normal(n) + 1j * r.standard_normal(n)
    f = np.fft.fft(x)
    transforms.append(dict(n=n, spots=spots(n).tolist(), values=pairs(f[spots(n)]), moduli=float(np.abs(f).sum())))


def cut(v):
    low, high = np.percentile(v, [10, 90])
    return np.where((v < low - 1.5 * (high - low)) | (v > high + 1.5 * (high - low)), 0, v)


layouts = []
for rows, genes in ((1, 4), (3, 5), (2, 1), (6, 31), (4, 40), (3, 9450)):
    x = np.abs(np.random.RandomState([rows, genes]).standard_normal((rows, genes))).astype(np.float32)
    x[:, ::3] *= 3
    x = x.astype(np.float64)
    shift = np.abs(x.min(0)) + 1
    v = np.log(x + shift)
    v /= v.max()
    f = np.fft.fftshift(np.fft.fft(v, axis=1), axes=1)
    re, im = (np.array([cut(row) for row in part]) for part in (f.real, f.imag))
    z = re.mean(0) + 1j * im.mean(0)
    layouts.append(dict(rows=rows, genes=genes, dropped=int((re == 0).sum()), spots=spots(genes).tolist(), points=pairs(z[spots(genes)])))

text = json.dumps(dict(transforms=transforms, layouts=layouts), separators=(",", ":")) + "\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/fotomics.json"), "w").write(text)
print(len(text), "bytes", [la["dropped"] for la in layouts])
