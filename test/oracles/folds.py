"""Writes test/fixtures/folds.json: the folds of scikit-learn's StratifiedKFold(shuffle=True) for many label vectors.

A fold per row says all, since the test sets part the rows and both index lists rise (asserted here).
Codes and folds are written one base-36 digit a row.
"""

import json
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import StratifiedKFold

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
rng = np.random.RandomState(2024)


def case(codes, k, seed):
    codes = np.asarray(codes)
    n = len(codes)
    fold_of = np.full(n, -1)
    for fold, (train, test) in enumerate(StratifiedKFold(k, shuffle=True, random_state=seed).split(np.zeros(n), codes)):
        assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(n))
        assert (fold_of[test] == -1).all()
        fold_of[test] = fold
    text = lambda values: "".join(DIGITS[v] for v in values)
    return {"k": k, "seed": int(seed), "codes": text(codes), "folds": text(fold_of)}


warnings.simplefilter("ignore")  # classes smaller than k are meant
cases = [case([0] * 10, 3, 0), case([0, 1] * 2, 2, 1), case([35, 0, 7] * 5, 5, 42), case([1, 0, 0, 0, 0, 0, 2], 5, 42)]
# the class counts of GSE85217, in random order and sorted
medulloblastoma = np.repeat([0, 1, 2, 3], [144, 326, 223, 70])
cases += [case(medulloblastoma, 5, 42), case(rng.permutation(medulloblastoma), 5, 42)]
for n in (10, 11, 23, 50, 101, 250, 800):
    for classes in (2, 3, 5, 12):
        for k in (2, 3, 5, 10):
            weights = rng.dirichlet(np.full(classes, 0.7))
            codes = rng.choice(classes, n, p=weights)
            if np.bincount(codes).max() < k:
                continue
            cases.append(case(codes, k, rng.choice([0, 1, 42, 7, 2**32 - 1])))
with open("test/fixtures/folds.json", "w") as f:
    json.dump({"sklearn": sklearn.__version__, "cases": cases}, f, separators=(",", ":"))
print(len(cases), "cases")
