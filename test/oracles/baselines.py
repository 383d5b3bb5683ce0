"""Writes test/fixtures/baselines.json: scikit-learn's baselines of small made sets.

usage: python test/oracles/baselines.py

Features are whole numbers over one denominator, so that both sides divide alike. Per case:
- scaling: StandardScaler
- l2: LogisticRegression by its most exact solver; coefficients are those of the classes present; numbers: the same after
  StandardScaler
- l1: the optimum by baselines_l1.py, asserted here to be SAGA's wherever SAGA gets there (not where classes are far
  apart, features differ much in scale or nothing but the intercept moves)
- knn: KNeighborsClassifier(5, brute), left out where the fifth and sixth distance tie
- centroid: `predicted` by NearestCentroid.predict, probabilities by LinearDiscriminantAnalysis with equal priors and the
  spherical pooled covariance, which is the same rule
- majority: DummyClassifier(strategy="prior")
Columns of classes without a training sample are 0. `predictability` is the pipeline of
src/evaluate/baselines/predictability.ts in scikit-learn's parts, out of fold.
"""
import json
import warnings

import numpy as np
import sklearn
from baselines_l1 import l1_optimum, l1_probabilities, violation
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.simplefilter("ignore")
rng = np.random.RandomState(5)
DENOMINATOR = 64


def digits(a, places=7):
    return [round(float(v), places) for v in np.ravel(a)]


def widen(p, present, classes):
    out = np.zeros((len(p), classes))
    out[:, present] = p
    return out


class Sphere:
    """A covariance estimator for LinearDiscriminantAnalysis that knows the answer."""

    def __init__(self, variance, cols):
        self.covariance_ = variance * np.eye(cols)

    def fit(self, x):
        return self

    def get_params(self, deep=False):
        return {}


def case(name, x, y, classes, query):
    x, query = (np.asarray(np.round(np.asarray(a, float) * DENOMINATOR), int) for a in (x, query))
    y = np.asarray(y)
    out = dict(name=name, rows=len(x), cols=x.shape[1], classes=classes, denominator=DENOMINATOR,
               x=x.ravel().tolist(), codes=y.tolist(), queries=len(query), query=query.ravel().tolist())
    x, query = x / DENOMINATOR, query / DENOMINATOR
    present, packed = np.unique(y, return_inverse=True)
    k = len(present)
    scaler = StandardScaler().fit(x)
    out["scaling"] = dict(mean=digits(scaler.mean_, 12), scale=digits(scaler.scale_, 12))
    out["majority"] = digits(widen(DummyClassifier(strategy="prior").fit(x, y).predict_proba(query), present, classes))
    neighbours = min(5, len(x))
    distances = np.sort(((query[:, None] - x[None]) ** 2).sum(2), axis=1)
    tied = len(x) > 5 and (distances[:, 4] == distances[:, 5]).any()
    knn = KNeighborsClassifier(neighbours, algorithm="brute").fit(x, y)
    out["knn"] = None if tied else digits(widen(knn.predict_proba(query), present, classes))
    if k == 1:
        out["l2"] = out["l1"] = out["numbers"] = out["centroid"] = None
        return out

    def l2(a):
        return LogisticRegression(solver="newton-cholesky", tol=1e-11, max_iter=1000).fit(a, packed)

    model = l2(x)
    out["l2"] = dict(coefficients=digits(model.coef_), intercepts=digits(model.intercept_),
                     probabilities=digits(widen(model.predict_proba(query), present, classes)))
    out["numbers"] = digits(widen(l2(scaler.transform(x)).predict_proba(scaler.transform(query)), present, classes))

    w, b = l1_optimum(x, packed, k)
    p = l1_probabilities(w, b, query)
    assert violation(w, b, x, packed, k) < 1e-6, name
    saga = LogisticRegression(l1_ratio=1, solver="saga", tol=1e-12, max_iter=100_000, random_state=0).fit(x, packed)
    missed = violation(saga.coef_, saga.intercept_, x, packed, k)
    print(f"{name}: SAGA misses the L1 optimum by {missed:.0e}")
    if missed < 1e-6:
        assert np.abs(p - saga.predict_proba(query)).max() < 1e-6, name
    out["l1"] = digits(widen(p, present, classes))

    if (x == x[0]).all():
        out["centroid"] = None  # scikit-learn refuses features without any spread
        return out
    centroids = np.array([x[packed == c].mean(0) for c in range(k)])
    variance = ((x - centroids[packed]) ** 2).sum() / ((len(x) - k) * x.shape[1])
    lda = LinearDiscriminantAnalysis(solver="lsqr", priors=np.full(k, 1 / k),
                                     covariance_estimator=Sphere(variance, x.shape[1])).fit(x, packed)
    predicted = NearestCentroid().fit(x, packed).predict(query)
    assert (lda.predict_proba(query).argmax(1) == predicted).all(), name
    out["centroid"] = dict(predicted=present[predicted].tolist(),
                           probabilities=digits(widen(lda.predict_proba(query), present, classes)))
    return out


def groups(n, d, k, distance, queries, scales=1.0):
    centres = rng.randn(k, d) * distance
    y = np.r_[np.arange(k), rng.randint(0, k, n - k)]
    q = rng.randint(0, k, queries)
    return (centres[y] + rng.randn(n, d)) * scales, y, (centres[q] + rng.randn(queries, d)) * scales


def made(name, n, d, k, distance, queries, classes=None, codes=None, scales=1.0):
    x, y, q = groups(n, d, k, distance, queries, scales)
    return case(name, x, y if codes is None else np.asarray(codes)[y], classes or k, q)


x, y, q = groups(41, 5, 3, 1.0, 9)
x[:, 2] = q[:, 2] = 3.25
constant = case("a constant feature", x, y, 3, q)
cases = [
    made("two classes", 23, 4, 2, 1.0, 7),
    made("three classes, as iris", 61, 4, 3, 1.5, 11),
    made("five classes", 47, 9, 5, 1.0, 13),
    made("one feature, three classes", 33, 1, 3, 2.0, 8),
    made("one feature, two classes", 12, 1, 2, 0.5, 5),
    constant,
    case("nothing but constants", np.full((9, 2), 1.5), [0, 1, 1, 2, 2, 2, 0, 1, 1], 3, [[1.5, 1.5], [2, 1]]),
    made("two classes far apart", 30, 3, 2, 20.0, 6),
    made("four classes far apart", 40, 6, 4, 20.0, 6),
    made("a class without a sample", 45, 4, 3, 1.0, 8, classes=5, codes=[0, 2, 4]),
    made("two of three classes", 20, 3, 2, 0.7, 5, classes=3, codes=[0, 2]),
    made("one class alone", 6, 2, 1, 1.0, 4, classes=3, codes=[1]),
    made("spreads by powers of ten", 50, 5, 3, 1.0, 9, scales=np.array([0.1, 1, 10, 100, 1000])),
    made("more features than samples", 14, 23, 3, 0.7, 6),
    made("three samples", 3, 2, 2, 1.0, 3),
    made("twelve classes", 75, 7, 12, 1.0, 10),
    case("the same sample with two classes", [[0, 1], [0, 1], [2, 0], [2, 0], [1, 1]], [0, 1, 0, 1, 1], 2,
         [[0, 1], [2, 0], [5, 5]]),
]

# numbers (one with gaps), categories (one with gaps, one level a single time) and booleans before a class
n = 83
y = rng.randint(0, 3, n)
depth = np.round((rng.randn(n) + 0.8 * y) * 1000)
age = np.where(rng.rand(n) < 0.15, np.nan, np.round(50 + 8 * rng.randn(n) - 3 * y))
plate = np.where(rng.rand(n) < 0.7, y, rng.randint(0, 4, n))
plate[17] = 6
site = np.where(rng.rand(n) < 0.2, -1, rng.randint(0, 3, n))
smoker = np.where(rng.rand(n) < 0.1, -1, (rng.rand(n) < 0.3 + 0.2 * y).astype(int))
table = np.c_[depth, age, plate, site, smoker]
numeric = make_pipeline(StandardScaler(), SimpleImputer(strategy="mean", add_indicator=True))
numeric[-1].set_params(keep_empty_features=True)
pipeline = make_pipeline(
    ColumnTransformer([("numbers", numeric, [0, 1]), ("levels", OneHotEncoder(handle_unknown="ignore"), [2, 3, 4])]),
    LogisticRegression(tol=1e-11, max_iter=10**6),
)
folds, p, majority = np.full(n, -1), np.zeros((n, 3)), np.zeros(n, int)
for fold, (train, test) in enumerate(StratifiedKFold(4, shuffle=True, random_state=3).split(table, y)):
    folds[test] = fold
    p[test] = pipeline.fit(table[train], y[train]).predict_proba(table[test])
    majority[test] = np.bincount(y[train]).argmax()
predictability = dict(
    codes=y.tolist(), folds=folds.tolist(), depth=depth.tolist(), age=[None if np.isnan(a) else a for a in age],
    plate=plate.tolist(), site=site.tolist(), smoker=smoker.tolist(), probabilities=digits(p),
    accuracy=accuracy_score(y, p.argmax(1)), balancedAccuracy=balanced_accuracy_score(y, p.argmax(1)),
    majority=accuracy_score(y, majority),
)
with open("test/fixtures/baselines.json", "w") as f:
    json.dump(dict(sklearn=sklearn.__version__, cases=cases, predictability=predictability), f, separators=(",", ":"))
print(len(cases), "cases")
