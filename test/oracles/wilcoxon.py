"""Writes test/fixtures/wilcoxon.json: scipy.stats.wilcoxon of random pairs.

p is scipy's own default where that is exact: no ties and no zeros and n <= 50, or n <= 13 with them. For more pairs it
is scipy's method="exact" without ties, and with ties the full enumeration of signs (PermutationMethod(n_resamples=inf)).
"""

import json
import warnings

import numpy as np
import scipy
from scipy.stats import PermutationMethod, wilcoxon

warnings.simplefilter("ignore")
rng = np.random.RandomState(11)


def case(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    d = a - b
    nonzero = np.abs(d[d != 0])
    plain = len(nonzero) == len(d) and len(np.unique(nonzero)) == len(d)
    n = len(d)
    if plain:
        method = "auto" if n <= 50 else "exact"
    else:
        method = "auto" if n <= 13 else PermutationMethod(n_resamples=np.inf)
    r = wilcoxon(a, b, method=method)
    return {"a": a.tolist(), "b": b.tolist(), "statistic": float(r.statistic), "p": float(r.pvalue),
            "method": method if isinstance(method, str) else "all signs"}


cases = [
    case([0.97, 0.96, 0.98, 0.95, 0.99], [0.9, 0.91, 0.92, 0.93, 0.88]),  # all one sign: 0.0625
    case([0.75] * 5, [0.75] * 5),
    case([1.0], [2.0]),
    case([1, 2], [2, 1]),
    case([0.1 + 0.2, 0.5, 0.4], [0.3, 0.4, 0.5]),  # differences of rounding size, and 0.1 against -0.1 rounded
]
for n in (1, 2, 3, 4, 5, 5, 5, 6, 8, 10, 13, 14, 20, 49, 50, 51, 60, 120):
    a, b = rng.rand(n), rng.rand(n) + 0.1 * rng.randn()
    cases.append(case(a, b))
for n in (2, 3, 4, 5, 5, 5, 5, 6, 7, 8, 10, 11, 12, 13, 13, 14, 16):  # ties, and mostly zeros
    levels = rng.choice([2, 4, 9])
    cases.append(case(rng.randint(0, levels, n), rng.randint(0, levels, n)))
for n in (4, 5, 10, 13):  # accuracies of folds of one size
    cases.append(case(rng.binomial(24, 0.8, n) / 24, rng.binomial(24, 0.7, n) / 24))
with open("test/fixtures/wilcoxon.json", "w") as f:
    json.dump({"scipy": scipy.__version__, "cases": cases}, f, separators=(",", ":"))
print(len(cases), "cases")
