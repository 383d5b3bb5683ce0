"""Oracle of src/encode/genes/scaling.ts: brightness of genes by numpy, scikit-learn and scipy, gradients by PyTorch.

usage: python test/oracles/gene_scaling.py      (writes test/fixtures/gene_scaling.json). Needs: numpy, scikit-learn, scipy, torch.
minmax: MinMaxScaler(clip=True); zscore: scipy.stats.zscore (ddof 1); global: a MinMaxScaler of the whole matrix as one
column; norm2: the formula of METHOD §4, written here. "new" holds values beyond the training's, and NaN (null) where a gene was not
measured. At the bounds the gradient is that of the inside (see oracles/ops.py).
"""
import json
import os

import numpy as np
import torch
from scipy.stats import zscore
from sklearn.preprocessing import MinMaxScaler

rng = np.random.RandomState(5)


def norm2(train, new):
    least = train.min(0)
    shift = np.abs(least) + 1
    top = np.log(train + shift).max()
    return np.log(np.maximum(new, least) + shift) / (top if top > 0 else np.inf)


def minmax(train, new):
    return MinMaxScaler().fit(train).transform(new) * (train.max(0) > train.min(0))


def scores(train, new):
    sd = train.std(0, ddof=1) if len(train) > 1 else np.zeros(train.shape[1])
    sd[train.max(0) == train.min(0)] = np.inf
    live = np.isfinite(sd)
    if live.any():
        assert np.allclose(zscore(train[:, live], ddof=1, axis=0), ((train - train.mean(0)) / sd)[:, live])
    return ((new - train.mean(0)) / sd + 3) / 6


def overall(train, new):
    if train.max() == train.min():
        return np.zeros_like(new)
    return MinMaxScaler().fit(train.reshape(-1, 1)).transform(new.reshape(-1, 1)).reshape(new.shape)


def gradient(how, train, new, dy):
    """d/dx of sum(dy · v), in torch, with the training statistics as constants"""
    x = torch.tensor(new, requires_grad=True)
    t = torch.tensor(train)
    filled = torch.where(x.isnan(), t.mean(0), x)
    low, high = t.min(0).values, t.max(0).values
    live = (high > low).double()
    if how == "norm2":
        top = torch.log(t + low.abs() + 1).max()
        v = torch.log(torch.where(filled < low, low, filled) + low.abs() + 1) / (top if top > 0 else np.inf)
    elif how == "minmax":
        v = (filled - low) / torch.where(live > 0, high - low, 1) * live
    elif how == "zscore":
        sd = torch.where(live > 0, t.std(0) if len(t) > 1 else 1, 1)
        v = (filled - t.mean(0)) / sd * live / 6 + 0.5
    else:
        v = (filled - t.min()) / (t.max() - t.min()) if t.max() > t.min() else filled * 0
    v = torch.where(v < 0, 0, torch.where(v > 1, 1, v))
    v.backward(torch.tensor(dy))
    return v.detach().numpy(), torch.nan_to_num(x.grad).numpy()


def plain(a): return [None if np.isnan(v) else float(v) for v in np.asarray(a).ravel()]


def case(name, train, new):
    train, new = (np.asarray(a, np.float32).astype(np.float64) for a in (train, new))
    genes = train.shape[1]
    dy = rng.standard_normal(new.shape).astype(np.float32).astype(np.float64)
    filled = np.where(np.isnan(new), train.mean(0), new)
    out = {}
    for how, f in dict(norm2=norm2, minmax=minmax, zscore=scores, **{"global": overall}).items():
        v = np.clip(f(train, filled), 0, 1)
        again, dx = gradient(how, train, new, dy)
        assert np.allclose(v, again, atol=1e-12), (name, how)
        out[how] = dict(values=plain(v), gradient=plain(dx))
    return dict(name=name, genes=genes, train=plain(train), new=plain(new), dy=plain(dy), out=out)


def beyond(train, rows):
    """new samples, some values beyond the training's and some missing"""
    new = train[rng.randint(0, len(train), rows)] + rng.standard_normal((rows, train.shape[1])) * (rng.rand(rows, train.shape[1]) < 0.7)
    new[rng.rand(*new.shape) < 0.15] = np.nan
    return new


log = rng.gamma(1, 2, (12, 7)) * (rng.rand(12, 7) < 0.5)
log[:, 2], log[:, 5] = 0, 2.5
signed = rng.standard_normal((9, 5)) * 3
signed[:, 1] = -1.25
high = rng.standard_normal((8, 4)) + np.array([5, 9, 800, 1e-3])
cases = [
    case("log-normalised, sparse, two constant genes", log, np.vstack([log[:3], beyond(log, 4)])),
    case("values below 0, one constant", signed, np.vstack([signed[:2], beyond(signed, 5)])),
    case("all minima above 0 but one", high, beyond(high, 6)),
    case("one gene", signed[:, :1], beyond(signed[:, :1], 3)),
    case("one training sample", signed[:1], beyond(signed, 2)),
    case("two training samples", signed[:2], beyond(signed, 2)),
    case("all zero", np.zeros((3, 2)), [[0, 1], [-1, np.nan]]),
    case("one new sample, nothing measured", log, np.full((1, 7), np.nan)),
]
text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":"), ensure_ascii=False) for c in cases) + "\n]\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/gene_scaling.json"), "w").write(text)
print(len(cases), "cases", len(text), "bytes")
