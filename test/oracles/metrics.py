"""Writes test/fixtures/metrics.json: scikit-learn's metrics of random predictions.

A case is true codes and probabilities as whole numbers over one denominator, so that both sides divide alike and ties
are exact; `float32` says that the quotients are rounded to float32. NaN is written as null.
"""

import json
import warnings

import numpy as np
import sklearn
from sklearn.metrics import (accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, matthews_corrcoef,
                             precision_score, recall_score, roc_auc_score)

warnings.simplefilter("ignore")
rng = np.random.RandomState(7)


def auc(y, p, k, multi_class, average):
    if k < 2 or len(np.unique(y)) < k:  # null by cellhue's rule; scikit-learn's own answer is checked where it has one
        if k > 2 and multi_class == "ovr":
            assert np.isnan(roc_auc_score(y, p, multi_class="ovr", labels=range(k)))
        return None
    if k == 2:
        return roc_auc_score(y, p[:, 1])
    return roc_auc_score(y, p, multi_class=multi_class, average=average, labels=range(k))


def case(name, y, numerators, denominator, k, float32=False):
    y = np.asarray(y)
    numerators = np.asarray(numerators).reshape(len(y), k)
    p = numerators / denominator
    if float32:
        p = p.astype(np.float32)
    predicted = p.argmax(1)
    macro = dict(labels=range(k), average="macro", zero_division=0)
    return {
        "name": name, "classes": k, "actual": y.tolist(), "numerators": numerators.ravel().tolist(),
        "denominator": denominator, "float32": float32, "predicted": predicted.tolist(),
        "confusion": confusion_matrix(y, predicted, labels=range(k)).tolist(),
        "metrics": {
            "accuracy": accuracy_score(y, predicted),
            "balancedAccuracy": balanced_accuracy_score(y, predicted),
            "precisionMacro": precision_score(y, predicted, **macro),
            "recallMacro": recall_score(y, predicted, **macro),
            "f1Macro": f1_score(y, predicted, **macro),
            "mcc": matthews_corrcoef(y, predicted),
            "aucOvrMacro": auc(y, p, k, "ovr", "macro"),
            "aucOvoMacro": auc(y, p, k, "ovo", "macro"),
            "aucOvoWeighted": auc(y, p, k, "ovo", "weighted"),
        },
    }


def composition(n, k, total, y, skill):
    """n rows of k whole numbers that sum to `total`, leaning to the true class."""
    rows = np.empty((n, k), int)
    for i in range(n):
        w = rng.gamma(0.8, size=k)
        w[y[i]] += skill
        rows[i] = rng.multinomial(total, w / w.sum())
    return rows


cases = [
    case("one sample, right", [0], [3, 1], 4, 2),
    case("one sample, wrong", [1], [2, 1, 1], 4, 3),
    case("one sample, one class", [0], [1], 1, 1),
    case("one class", [0, 0, 0], [1, 1, 1], 1, 1),
    case("two classes, one absent", [1, 1, 1], [1, 3, 3, 1, 2, 2], 4, 2),
    case("three classes, one absent but predicted", [0, 1, 0, 1], [4, 0, 0, 0, 0, 4, 1, 3, 0, 1, 2, 1], 4, 3),
    case("three classes, one absent and never predicted", [0, 1, 0, 1], [3, 1, 0, 1, 3, 0, 1, 3, 0, 1, 3, 0], 4, 3),
    case("all right", [0, 1, 2, 1, 0], np.eye(3, dtype=int)[[0, 1, 2, 1, 0]], 1, 3),
    case("all wrong", [0, 1, 2, 1, 0], np.eye(3, dtype=int)[[1, 2, 0, 0, 2]], 1, 3),
    case("all wrong, two classes", [0, 1, 0, 1], np.eye(2, dtype=int)[[1, 0, 1, 0]], 1, 2),
    case("all probabilities equal", [0, 1, 2, 3, 3], np.ones((5, 4), int), 4, 4),
    case("one class predicted for all", [0, 1, 2, 2], [[2, 1, 1]] * 4, 4, 3),
]
for n, k, total, skill in [(2, 2, 10, 1), (7, 2, 3, 1), (40, 2, 10, 0.5), (61, 2, 1000, 1), (5, 3, 7, 1), (30, 3, 5, 1),
                           (33, 3, 997, 2), (50, 4, 4, 1), (50, 4, 1000, 0.1), (60, 5, 8, 1), (75, 5, 999, 4),
                           (90, 6, 12, 1), (64, 7, 100, 0), (120, 12, 30, 2), (60, 28, 40, 3)]:
    for float32 in (False, True):
        y = rng.choice(k, n, p=rng.dirichlet(np.full(k, 3)))
        if k <= n and k < 20:
            y[:k] = np.arange(k)  # every class at least once; absent classes have their own cases above
        cases.append(case(f"random {n} x {k}, ties of 1/{total}", y, composition(n, k, total, y, skill), total, k, float32))
with open("test/fixtures/metrics.json", "w") as f:
    json.dump({"sklearn": sklearn.__version__, "cases": cases}, f, separators=(",", ":"))
print(len(cases), "cases")
