"""Writes test/fixtures/statistics.json: scipy, statsmodels and scikit-learn on the statistics of src/evaluate.

- student_t, normal: scipy.stats (t.cdf, t.ppf, norm.cdf, norm.ppf).
- corrected_t: the formula of Nadeau & Bengio with scipy.stats.t, held against that of scikit-learn's example
  "Statistical comparison of models using grid search" (corrected_std, compute_corrected_ttest).
- mcnemar: statsmodels' mcnemar(exact=True); with groups scipy.stats.permutation_test over all sign flips of the groups.
- skill: scipy.stats.binomtest on the samples that only the model or only the guess gets right.
- holm: statsmodels' multipletests.
- per_class: scikit-learn on the cases of metrics.json, in their order.
- bootstrap, metric_intervals: resamples drawn by numpy's RandomState, ends by `ends` below, which this script holds
  against scipy.stats.bootstrap(method="BCa") wherever that is defined (no NaN, not all left-out estimates the same).
"""

import json
import warnings

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy import stats
from sklearn.metrics import (accuracy_score, balanced_accuracy_score, matthews_corrcoef,
                             precision_recall_fscore_support, roc_auc_score)
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
rng = np.random.RandomState(23)


def plain(x):
    """NaN as null."""
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(v) for v in x]
    return None if np.isnan(x) else float(x)


# distributions; no t of 1e-8, where scipy itself is off by 1.6e-9
dfs = [0.1, 0.5, 1, 1.5, 2, 3, 4, 5, 9, 10, 24, 29, 59, 99, 1000, 5899, 1e6]
ts = [0, 1e-300, 0.01, 0.5, 1, 1.7, 1.74, 2, 3, 5, 10, 30, 1e3, 1e10, 1e100]
student_t = {
    "cdf": [[df, -t, stats.t.cdf(-t, df)] for df in dfs for t in ts],
    "ppf": [[df, p, stats.t.ppf(p, df)] for df in dfs[2:] for p in (1e-10, 1e-4, 0.005, 0.025, 0.1, 0.3, 0.49, 0.7, 0.975)],
}
normal = {
    "cdf": [[z, stats.norm.cdf(z)] for z in (-30, -20, -8, -5, -3, -2.1, -2, -1.99, -1, -0.1, -1e-9, 0, 0.5, 1.99, 2, 6, 9)],
    "ppf": [[p, stats.norm.ppf(p)] for p in (1e-300, 1e-20, 1e-8, 0.00025, 0.025, 0.2, 0.4999, 0.7, 0.975, 1 - 1e-12)],
}


# corrected t
def corrected(d, n_train, n_test):
    d = np.asarray(d, float)
    df = len(d) - 1
    sd = np.sqrt(np.var(d, ddof=1) * (1 / len(d) + n_test / n_train))  # sklearn's corrected_std, kr = len(d)
    t = np.mean(d) / sd  # sklearn's compute_corrected_ttest
    p = 2 * stats.t.sf(np.abs(t), df)
    low, high = stats.t.interval(0.95, df, loc=d.mean(), scale=sd)
    # the paper's own way to write it: the naive t, shrunk by the ratio of the two standard errors
    assert np.isclose(t, stats.ttest_1samp(d, 0).statistic / np.sqrt(1 + len(d) * n_test / n_train), rtol=1e-13)
    return {"differences": d.tolist(), "nTrain": n_train, "nTest": n_test, "t": t, "df": df, "p": p, "low": low, "high": high}


corrected_t = [corrected(rng.normal(mean, sd, n), n_train, n_test)
               for n, mean, sd, n_train, n_test in [(2, 0, 0.1, 3, 3), (5, 0.02, 0.03, 48, 12), (5, 0.2, 0.03, 147, 36.8),
                                                    (10, -0.01, 0.05, 90, 10), (25, 0.03, 0.02, 147.2, 36.8),
                                                    (100, 0.001, 0.02, 5310, 590), (100, -0.1, 0.002, 5310, 590)]]
corrected_t.append(corrected([0, 0, 0, 0, 1 / 12], 48, 12))
corrected_t.append(corrected([0.25, -0.25, 0.5, -0.5], 12, 4))


# McNemar: samples that both, only a, only b, neither predict right
def table(both, only_a, only_b, neither):
    r = mcnemar([[both, only_a], [only_b, neither]], exact=True)
    return {"both": both, "onlyA": only_a, "onlyB": only_b, "neither": neither, "p": float(r.pvalue)}


mcnemar_cases = [table(*c) for c in [(5, 0, 0, 5), (0, 1, 0, 0), (0, 0, 2, 1), (9, 1, 1, 0), (3, 5, 0, 1), (40, 6, 1, 13),
                                     (40, 1, 6, 13), (70, 10, 11, 9), (100, 12, 30, 42), (900, 40, 41, 19), (3000, 140, 95, 300),
                                     (1000, 700, 700, 100), (1000, 800, 700, 100), (10, 600, 200, 0)]]


def grouped(groups, d):
    """Differences in right predictions: 1, 0 or -1 a sample."""
    groups, d = np.asarray(groups), np.asarray(d)
    # the 0 is a pair whose flip changes nothing: scipy wants two pairs at least
    sums = np.array([d[groups == g].sum() for g in np.unique(groups)] + [0])
    r = stats.permutation_test((sums, np.zeros_like(sums)), lambda x, y, axis: np.sum(x - y, axis=axis), vectorized=True,
                               permutation_type="samples", n_resamples=np.inf)
    return {"groups": groups.tolist(), "differences": d.tolist(), "p": float(r.pvalue)}


mcnemar_groups = [grouped([3, 3, 3, 3], [1, 1, 0, -1]), grouped([0, 0, 5, 5, 2], [1, 1, -1, 0, 1]),
                  grouped([0, 0, 1, 1], [1, -1, -1, 1])]
for g, n in ((4, 40), (6, 50), (9, 80), (12, 60), (13, 200)):
    mcnemar_groups.append(grouped(np.r_[np.arange(g), rng.randint(0, g, n - g)], rng.choice([-1, 0, 1], n, p=[0.15, 0.6, 0.25])))

# skill: samples of the largest class that the model misses, samples of others that it gets
skill = [{"missed": m, "gained": g, "p": stats.binomtest(g, m + g, alternative="greater").pvalue if m + g else 1.0}
         for m, g in ((0, 0), (5, 5), (8, 4), (4, 8), (1, 9), (0, 20), (30, 50), (2, 300))]

# Holm
holm = []
for p in ([], [0.03], [0.01, 0.04, 0.03], [0.04, 0.04, 0.04], [1, 1, 0.001], [0, 0, 1e-300, 0.5], rng.rand(10) ** 3,
          rng.rand(45) ** 8, np.round(rng.rand(20), 1)):
    holm.append({"p": list(map(float, p)), "adjusted": multipletests(p, method="holm")[1].tolist() if len(p) else []})

# per class
with open("test/fixtures/metrics.json") as f:
    metric_cases = json.load(f)["cases"]


def probabilities(c):
    p = np.array(c["numerators"]).reshape(-1, c["classes"]) / c["denominator"]
    return p.astype(np.float32) if c["float32"] else p


def auc(y, p, c):
    return roc_auc_score(y == c, p[:, c]) if 0 < (y == c).sum() < len(y) else np.nan


def class_values(y, p, k):
    precision, recall, f1, support = precision_recall_fscore_support(y, p.argmax(1), labels=range(k), zero_division=np.nan)
    return np.array([[support[c], precision[c], recall[c], f1[c], auc(y, p, c)] for c in range(k)])


per_class = [plain(class_values(np.array(c["actual"]), probabilities(c), c["classes"]).tolist()) for c in metric_cases]


# bootstrap
def ends(estimate, drawn, without, units, level=0.95):
    """BCa's ends, widened for few units; null where all resamples agree."""
    drawn, without = drawn[~np.isnan(drawn)], without[~np.isnan(without)]
    if np.isnan(estimate) or len(drawn) == 0 or np.ptp(drawn) <= 1e-12:
        return [plain(estimate), None, None, len(drawn)]
    below = ((drawn < estimate).sum() + (drawn <= estimate).sum()) / 2
    z0 = stats.norm.ppf(np.clip(below, 0.5, len(drawn) - 0.5) / len(drawn))
    d = without.mean() - without
    a = (d**3).sum() / (6 * (d**2).sum() ** 1.5) if (d != 0).any() else 0
    reach = stats.t.ppf((1 + level) / 2, units - 1) * np.sqrt(units / (units - 1))
    at = []
    for z in (z0 - reach, z0 + reach):
        at.append(stats.norm.cdf(z0 + z / (1 - a * z)) if 1 - a * z > 0 else float(z > 0))
    return [float(estimate), *np.quantile(drawn, at).tolist(), len(drawn)]


def boot(statistic, n, groups=None, resamples=300, seed=5):
    """`statistic` of sample indices gives a vector; scipy is asked for each of its values."""
    groups = np.arange(n) if groups is None else np.asarray(groups)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    units = len(members)
    known = {}  # scipy draws the same resamples anew for each value

    def value(drawn):
        key = tuple(drawn)
        if key not in known:
            known[key] = np.asarray(statistic(np.concatenate([members[u] for u in drawn])))
        return known[key]

    r = np.random.RandomState(seed)
    drawn = np.array([value(r.randint(0, units, units)) for _ in range(resamples)])
    estimate = value(np.arange(units))
    blocks = min(units, 400)
    without = np.array([value(np.flatnonzero(np.arange(units) % blocks != b)) for b in range(blocks)]
                       if units > 1 else [np.full(len(estimate), np.nan)])
    result = [ends(estimate[s], drawn[:, s], without[:, s], units) for s in range(len(estimate))]
    reach = stats.t.ppf(0.975, units - 1) * np.sqrt(units / (units - 1)) if units > 1 else np.nan
    for s, (_, low, high, _) in enumerate(result):
        below = ((drawn[:, s] < estimate[s]).mean() + (drawn[:, s] <= estimate[s]).mean()) / 2
        if low is None or np.isnan(drawn[:, s]).any() or units < 5 or not 0 < below < 1 or not np.ptp(without[:, s]) > 0:
            continue
        scipys = stats.bootstrap((np.arange(units),), lambda u: value(u)[s], n_resamples=resamples,
                                 vectorized=False, method="BCa", confidence_level=1 - 2 * stats.norm.cdf(-reach),
                                 random_state=np.random.RandomState(seed))
        assert np.array_equal(scipys.bootstrap_distribution, drawn[:, s])
        tolerance = 1e-9 if blocks == units else 0.02 * (high - low)  # scipy leaves out one at a time
        assert np.allclose(scipys.confidence_interval, (low, high), rtol=0, atol=tolerance), (scipys, low, high)
        checked[blocks == units] += 1
    return result


checked = {True: 0, False: 0}
bootstrap = []
for n, groups, resamples in [(2, None, 40), (5, None, 300), (30, None, 300), (61, None, 2000), (901, None, 300), (1, None, 10),
                             (40, [7] * 40, 20), (24, [9, 2, 5, 2] * 6, 300), (60, rng.randint(0, 12, 60).tolist(), 300)]:
    right = (rng.rand(n) < 0.8).astype(int)
    x, w = rng.randint(1, 100, n), rng.randint(1, 9, n)
    statistic = lambda i: [right[i].mean(), x[i].sum() / w[i].sum(), (right[i] * w[i]).sum() / w[i].sum()]
    bootstrap.append({"n": n, "groups": groups, "resamples": resamples, "right": right.tolist(), "x": x.tolist(),
                      "w": w.tolist(), "intervals": boot(statistic, n, groups, resamples)})


def all_metrics(y, p, k, occurs):
    """Values on a resample: a class that the samples have and the resample misses counts nowhere."""
    rows = class_values(y, p, k)
    missed = [c for c in range(k) if occurs[c] and rows[c, 0] == 0]
    rows[missed, 1:] = np.nan
    macro = np.nan_to_num(np.delete(rows, missed, axis=0)[:, 1:4]).mean(0)
    here = np.unique(y)
    aucs = [np.nan] * 3
    if k == 2 and len(here) == 2:
        aucs = [auc(y, p, 1)] * 3
    elif k > 2 and all(occurs) and len(here) > 1:
        pairs = [(a, b) for a in here for b in here if a < b]
        of_pair, size = [], []
        for a, b in pairs:
            two = (y == a) | (y == b)
            of_pair.append((auc(y[two], p[two], a) + auc(y[two], p[two], b)) / 2)
            size.append(two.sum())
        aucs = [np.mean([auc(y, p, c) for c in here]), np.mean(of_pair), np.average(of_pair, weights=size)]
    predicted = p.argmax(1)
    mcc = np.nan if missed and len(here) == 1 else matthews_corrcoef(y, predicted)
    values = np.r_[accuracy_score(y, predicted), balanced_accuracy_score(y, predicted), macro, mcc, aucs, rows.ravel()]
    return np.round(values, 12)  # what is equal but for the order of a sum counts as equal


metric_intervals = []
wanted = ["one class", "three classes, one absent but predicted", "all right", "one class predicted for all",
          "random 7 x 2, ties of 1/3", "random 33 x 3, ties of 1/997", "random 50 x 4, ties of 1/4", "random 60 x 5, ties of 1/8"]
for number, c in enumerate(metric_cases):
    if c["name"] not in wanted or c["float32"]:
        continue
    y, p, k = np.array(c["actual"]), probabilities(c), c["classes"]
    occurs = np.isin(np.arange(k), y)
    for groups in (None, (np.arange(len(y)) * 7 % 11).tolist()):
        values = boot(lambda i: all_metrics(y[i], p[i], k, occurs), len(y), groups, resamples=200)
        metric_intervals.append({"case": number, "grouped": groups is not None, "metrics": values[:9],
                                 "perClass": [values[9 + 5 * j:14 + 5 * j] for j in range(k)]})

with open("test/fixtures/statistics.json", "w") as f:
    json.dump({"scipy": scipy.__version__, "sklearn": sklearn.__version__, "statsmodels": statsmodels.__version__,
               "studentT": student_t, "normal": normal, "correctedT": corrected_t, "mcnemar": mcnemar_cases,
               "mcnemarGroups": mcnemar_groups, "skill": skill, "holm": holm, "perClass": per_class, "bootstrap": bootstrap,
               "metricIntervals": metric_intervals}, f, separators=(",", ":"), allow_nan=False)
print(f"{checked[True]} intervals equal to scipy.stats.bootstrap, {checked[False]} near it (blocks)")
