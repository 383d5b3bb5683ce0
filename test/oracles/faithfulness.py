"""Writes test/fixtures/faithfulness.json: deletion and insertion curves, null comparison and aggregation, by numpy.

- curves: a linear softmax model (probabilities, float64), samples of normal values; orders by weight × (x − mean) and random
  ones. Areas by numpy.trapezoid. The random orders are those of RandomState(seed).permutation, draw by draw, sample by
  sample, which cellhue reproduces.
- null: p by counting, q by scipy.stats.false_discovery_control.
- aggregate: means over rightly classified samples of the class; top-k shares over folds.
Usage: python test/oracles/faithfulness.py   Needs: numpy, scipy.
"""

import json

import numpy as np
from scipy import stats

rng = np.random.RandomState(43)
FRACTIONS = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]


def single(a):
    return np.round(np.asarray(a) * 64) / 64  # exact in float32


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def curves(model, x, codes, mean, orders, direction, fractions):
    n, genes = x.shape
    counts = list(dict.fromkeys([0] + [int(np.floor(f * genes + 0.5)) for f in fractions] + [genes]))
    a, b = (x, np.tile(mean, (n, 1))) if direction == "deletion" else (np.tile(mean, (n, 1)), x)
    values = np.empty((n, len(counts)))
    for k, count in enumerate(counts):
        now = a.copy()
        for i in range(n):
            now[i, orders[i, :count]] = b[i, orders[i, :count]]
        values[:, k] = softmax(now @ model[0].T + model[1])[np.arange(n), codes]
    shares = np.array(counts) / genes
    return shares, values, np.trapezoid(values, shares, axis=1)


def case(n, genes, classes, seed, draws, fractions=FRACTIONS):
    w, b, mean = single(rng.randn(classes, genes) / 2), single(rng.randn(classes)), single(rng.rand(genes))
    x = single(mean + rng.randn(n, genes))
    codes = (x @ w.T + b).argmax(1)
    by_weight = np.argsort(-(w[codes] - w.mean(0)) * (x - mean), axis=1, kind="stable")
    by_mean = np.tile(np.argsort(-mean, kind="stable"), (n, 1))
    out = {"n": n, "genes": genes, "classes": classes, "seed": seed, "draws": draws, "fractions": fractions, "w": w.ravel().tolist(),
           "b": b.tolist(), "mean": mean.tolist(), "x": x.ravel().tolist(), "codes": codes.tolist(), "orders": by_weight.ravel().tolist()}
    for direction, sign in (("deletion", 1), ("insertion", -1)):
        shares, values, areas = curves((w, b), x, codes, mean, by_weight, direction, fractions)
        r = np.random.RandomState(seed)
        drawn = [curves((w, b), x, codes, mean, np.array([r.permutation(genes) for _ in range(n)]), direction, fractions) for _ in range(draws)]
        expression = curves((w, b), x, codes, mean, by_mean, direction, fractions)
        draw_areas = np.array([d[2] for d in drawn])
        out[direction] = {
            "shares": shares.tolist(), "values": values.ravel().tolist(), "areas": areas.tolist(),
            "randomCurve": np.mean([d[1].mean(0) for d in drawn], 0).tolist(), "drawAreas": draw_areas.mean(1).tolist(),
            "sd": float(draw_areas.mean(1).std(ddof=1)) if draws > 1 else None, "expressionArea": float(expression[2].mean()),
            "gain": float(sign * (draw_areas.mean(0) - areas).mean()), "gainOverExpression": float(sign * (expression[2] - areas).mean())}
    return out


cases = [case(9, 23, 3, 5, 4), case(2, 1, 2, 6, 2), case(1, 6, 2, 7, 1, [0, 0.3, 0.31, 1]), case(5, 40, 4, 8, 3, [0.25, 0.5])]

nulls = []
for genes, b in ((1, 1), (7, 3), (30, 10), (12, 99)):
    observed, null = rng.randn(genes), rng.randn(b, genes)
    if b == 10:
        observed, null = np.round(observed * 2), np.round(null * 2)  # ties
    own = (1 + (np.abs(null) >= np.abs(observed)).sum(0)) / (1 + b)
    pooled = (1 + (np.abs(null).ravel()[:, None] >= np.abs(observed)).sum(0)) / (1 + null.size)
    nulls.append({"observed": observed.tolist(), "nulls": null.tolist(),
                  "own": {"p": own.tolist(), "q": stats.false_discovery_control(own).tolist(), "resolution": 1 / (b + 1)},
                  "pooled": {"p": pooled.tolist(), "q": stats.false_discovery_control(pooled).tolist(), "resolution": 1 / (null.size + 1)}})

aggregates = []
for n, genes, classes, folds, k in ((20, 7, 2, 4, 3), (33, 12, 3, 5, 4), (12, 3, 2, 1, 2)):
    values = single(rng.randn(n, genes))
    codes, fold = rng.randint(0, classes, n), rng.randint(0, folds, n)
    predicted = np.where(rng.rand(n) < 0.8, codes, rng.randint(0, classes, n))
    right = (codes == 0) & (predicted == 0)
    score = values[right].mean(0)
    per_fold = [np.abs(values[right & (fold == f)].mean(0)) for f in range(folds) if (right & (fold == f)).any()]
    share = np.mean([np.isin(np.arange(genes), np.argsort(-s, kind="stable")[:k]) for s in per_fold], 0)
    aggregates.append({"values": values.ravel().tolist(), "genes": genes, "codes": codes.tolist(), "predicted": predicted.tolist(),
                       "folds": fold.tolist(), "k": k, "score": score.tolist(), "order": np.argsort(-np.abs(score), kind="stable").tolist(),
                       "share": share.tolist() if len(per_fold) > 1 else None, "samples": int(right.sum()), "of": int((codes == 0).sum())})

with open("test/fixtures/faithfulness.json", "w") as f:
    json.dump({"numpy": np.__version__, "curves": cases, "nulls": nulls, "aggregates": aggregates}, f, separators=(",", ":"), allow_nan=False)
