"""Writes test/fixtures/proportions.json: Wilson's interval (statsmodels), Clopper and Pearson's upper limit and the
binomial distribution (scipy)."""

import json

import numpy as np
import scipy
import statsmodels
from scipy.stats import binom, binomtest, norm
from statsmodels.stats.proportion import proportion_confint

wilson, upper, cdf = [], [], []
for count, total in [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (1, 15), (14, 15), (50, 100), (2, 169), (5899, 5900)]:
    for level in (0.95, 0.8):
        low, high = proportion_confint(count, total, alpha=1 - level, method="wilson")
        wilson.append([count, total, float(norm.isf((1 - level) / 2)), low, high])
for errors, n in [(0, 1), (1, 1), (0, 59), (1, 59), (3, 40), (20, 40), (39, 40), (40, 40), (17, 500), (499, 500),
                  (120, 5900)]:
    for confidence in (0.5, 0.9, 0.95, 0.9875):
        interval = binomtest(errors, n, alternative="less").proportion_ci(confidence, method="exact")
        upper.append([errors, n, confidence, interval.high])
for n in (1, 2, 7, 60, 333, 5000):
    for p in (0.0, 1e-6, 0.01, 0.1, 0.5, 0.73, 0.999, 1.0):
        for k in sorted({0, n // 20, n // 10, n // 2, (3 * n) // 4, n - 1, n}):
            value = float(binom.cdf(k, n, p))
            if value == 0 or value > 1e-250:
                cdf.append([k, n, p, value])
with open("test/fixtures/proportions.json", "w") as f:
    json.dump({"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "wilson": wilson, "upper": upper,
               "cdf": cdf}, f, separators=(",", ":"))
print(len(wilson), "Wilson intervals,", len(upper), "upper limits,", len(cdf), "probabilities")
