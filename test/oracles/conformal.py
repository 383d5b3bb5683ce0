"""Writes test/fixtures/conformal.json: label sets of MAPIE's SplitConformalClassifier, "lac" and "aps".

Probabilities are whole numbers over their row's sum. MAPIE draws its uniform numbers from RandomState(seed), anew for
the calibration and for the new samples; the seed is written down. MAPIE refuses too few calibration samples; those cases
are cellhue's own (all labels).
"""

import json

import mapie
import numpy as np
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin

rng = np.random.RandomState(31)


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose probabilities are its input."""

    def __init__(self, k=2):
        self.k = k

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        return np.arange(self.k)

    @property
    def n_features_in_(self):
        return self.k

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return np.asarray(X).argmax(1)


def draw(n, k, skill):
    y = rng.randint(0, k, n)
    w = rng.gamma(0.7, size=(n, k))
    w[np.arange(n), y] += skill * rng.rand(n)
    return y, np.rint(997 * w / w.sum(1, keepdims=True)).astype(int) + 1


cases = []
for n, k, skill, alpha in [(11, 2, 1, 0.1), (21, 3, 1, 0.1), (40, 3, 0.5, 0.2), (99, 4, 1, 0.05), (60, 12, 2, 0.3),
                           (100, 3, 2, 0.07), (57, 5, 0, 0.1)]:
    y, parts = draw(n, k, skill)
    new_y, new_parts = draw(25, k, skill)
    p, new = (x / x.sum(1, keepdims=True) for x in (parts, new_parts))
    seed = int(rng.randint(1000))
    uniforms = np.random.RandomState(seed).uniform(size=n)
    new_uniforms = np.random.RandomState(seed).uniform(size=25)
    case = {"classes": k, "alpha": alpha, "codes": y.tolist(), "parts": parts.ravel().tolist(), "seed": seed,
            "newCodes": new_y.tolist(), "newParts": new_parts.ravel().tolist()}
    for score in ("lac", "aps") if k > 2 else ("lac",):  # MAPIE has no "aps" for two classes
        peer = SplitConformalClassifier(Given(k), confidence_level=1 - alpha, conformity_score=score, random_state=seed)
        peer.conformalize(p, y)
        more = {"include_last_label": "randomized"} if score == "aps" else {}
        sets = peer.predict_set(new, conformity_score_params=more)[1][:, :, 0]
        threshold = float(np.ravel(peer._mapie_classifier.conformity_score_function_.quantiles_)[0])
        case[score] = {"threshold": threshold, "sets": [np.flatnonzero(row).tolist() for row in sets]}
    cases.append(case)
with open("test/fixtures/conformal.json", "w") as f:
    json.dump({"mapie": mapie.__version__, "cases": cases}, f, separators=(",", ":"))
print(len(cases), "cases")
