"""Writes test/fixtures/calibration.json: how well random predictions are calibrated, and the best temperatures.

`scores`: codes and probabilities as whole numbers over one denominator, so that both sides divide alike, ties are exact
and confidences fall on the edges of bins; `float32` says that the quotients are rounded to float32. Expected are
scikit-learn's log_loss and brier_score_loss(scale_by_half=False), the ECE over the bins of calibration_curve, and the
risk-coverage curve by its definition: for every sample, the error rate of all samples at least as confident.
`temperatures`: logits in hundredths, and T that minimises the NLL by scipy's minimize_scalar over log(1/T); where
scikit-learn's own temperature scaling is exact (float64) it must agree.
"""

import json
import warnings

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.calibration import _TemperatureScaling, calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

warnings.simplefilter("ignore")
rng = np.random.RandomState(23)


def bins(right, confidence, strategy, edges):
    """calibration_curve's bins, which it gives without the empty ones, with their counts."""
    true, mean = calibration_curve(right, confidence, pos_label=1, n_bins=15, strategy=strategy)
    count = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=15)
    full = count > 0
    assert full.sum() == len(true)
    error = float(np.sum(count[full] * np.abs(true - mean)) / len(right))
    out = {"count": count.tolist(), "accuracy": true.tolist(), "confidence": mean.tolist(), "ece": error}
    return out if strategy == "uniform" else {"edges": edges.tolist(), **out}


def scores(name, y, numerators, denominator, k, float32=False):
    y = np.asarray(y)
    numerators = np.asarray(numerators).reshape(len(y), k)
    p = numerators / denominator
    if float32:
        p = p.astype(np.float32).astype(float)
    confidence, right = p.max(1), (p.argmax(1) == y).astype(int)
    if k == 1:  # scikit-learn takes no single class
        nll, brier = float(-np.log(np.clip(p[:, 0], 2.0**-52, 1 - 2.0**-52)).mean()), float(((p - 1) ** 2).mean())
    else:
        nll = log_loss(y, p, labels=range(k))
        brier = brier_score_loss(y, p, labels=range(k), scale_by_half=False)
        onehot = np.eye(k)[y]
        assert np.isclose(brier, ((p - onehot) ** 2).sum(1).mean())
    risks = [1 - right[confidence >= c].mean() for c in confidence]
    thresholds = sorted(set(confidence.tolist()), reverse=True)
    wrong = np.sort(1 - right)
    return {
        "name": name, "classes": k, "actual": y.tolist(), "numerators": numerators.ravel().tolist(),
        "denominator": denominator, "float32": float32, "nll": float(nll), "brier": float(brier),
        "uniform": bins(right, confidence, "uniform", np.linspace(0, 1, 16)),
        "quantile": bins(right, confidence, "quantile", np.percentile(confidence, np.linspace(0, 1, 16) * 100)),
        "curve": [[c, int((confidence >= c).sum()), int((1 - right)[confidence >= c].sum())] for c in thresholds],
        "aurc": float(np.mean(risks)),
        "aurcBest": float(np.mean(np.cumsum(wrong) / np.arange(1, len(y) + 1))),
    }


def composition(n, k, total, y, skill):
    """n rows of k whole numbers that sum to `total`, leaning to the true class."""
    rows = np.empty((n, k), int)
    for i in range(n):
        w = rng.gamma(0.8, size=k)
        w[y[i]] += skill
        rows[i] = rng.multinomial(total, w / w.sum())
    return rows


def temperature(name, y, hundredths, k):
    y = np.asarray(y)
    hundredths = np.asarray(hundredths).reshape(len(y), k)
    z = hundredths / 100

    def nll(log_beta):
        b = np.exp(log_beta)
        return np.mean(logsumexp(b * z, axis=1) - b * z[np.arange(len(y)), y])

    # a minimum is found to the root of the machine's precision at best, so its place is refined on the derivative
    rough = minimize_scalar(nll, bounds=(-10, 10), method="bounded", options={"xatol": 1e-12}).x

    def slope(log_beta):
        b = np.exp(log_beta)
        p = np.exp(b * z - logsumexp(b * z, axis=1, keepdims=True))
        return np.mean((p * z).sum(1) - z[np.arange(len(y)), y])

    best = scipy.optimize.brentq(slope, rough - 0.01, rough + 0.01, xtol=1e-15, rtol=1e-14)
    peer = np.log(_TemperatureScaling().fit(z, y).beta_)
    assert abs(peer - best) < 1e-6 and abs(rough - best) < 1e-6, (name, peer, rough, best)
    return {"name": name, "classes": k, "codes": y.tolist(), "hundredths": hundredths.ravel().tolist(),
            "temperature": float(np.exp(-best)), "nllBefore": float(nll(0)), "nllAfter": float(nll(best))}


cases = [
    scores("one sample, right", [0], [3, 1], 4, 2),
    scores("one sample, wrong", [1], [2, 1, 1], 4, 3),
    scores("one class", [0, 0, 0], [1, 1, 1], 1, 1),
    scores("all right and certain", [0, 1, 2, 1, 0], np.eye(3, dtype=int)[[0, 1, 2, 1, 0]], 1, 3),
    scores("all wrong and certain", [0, 1, 2, 1, 0], np.eye(3, dtype=int)[[1, 2, 0, 0, 2]], 1, 3),
    scores("all probabilities equal", [0, 1, 2, 3, 3], np.ones((5, 4), int), 4, 4),
    scores("a class absent", [0, 1, 0, 1], [4, 0, 0, 0, 0, 4, 1, 3, 0, 1, 2, 1], 4, 3),
]
for n, k, total, skill in [(2, 2, 15, 1), (7, 2, 30, 1), (40, 2, 15, 0.5), (61, 3, 15, 2), (33, 3, 997, 2), (76, 4, 60, 3),
                           (50, 4, 1000, 0.1), (60, 12, 30, 2), (30, 28, 45, 3)]:
    for float32 in (False, True):
        y = rng.choice(k, n, p=rng.dirichlet(np.full(k, 3)))
        cases.append(scores(f"random {n} x {k}, parts of {total}", y, composition(n, k, total, y, skill), total, k, float32))

fits = [
    temperature("one wrong of three", [0, 1, 1], [200, 0, 0, 300, 100, 0], 2),
    temperature("a class absent", [0, 1, 0, 0], [200, 0, -100, 50, 100, 0, 0, 120, 30, 310, 0, 100], 3),
    temperature("logits far apart", [0, 1, 0, 1, 1], [70000, 0, 0, 70000, 50000, 0, 0, 60000, 9000, 0], 2),
]
for n, k, scale, skill in [(5, 2, 1, 1), (40, 2, 4, 1), (61, 3, 0.3, 1), (100, 4, 10, 0.5), (75, 5, 2, 0.3), (200, 2, 1, 2),
                           (40, 28, 3, 2)]:
    y = rng.randint(0, k, n)
    z = rng.randn(n, k)
    z[np.arange(n), y] += skill
    fits.append(temperature(f"random {n} x {k}, scale {scale}", y, np.rint(100 * scale * z).astype(int), k))
with open("test/fixtures/calibration.json", "w") as f:
    json.dump({"sklearn": sklearn.__version__, "scipy": scipy.__version__, "scores": cases, "temperatures": fits}, f,
              separators=(",", ":"))
print(len(cases), "scores,", len(fits), "temperatures")
