"""Writes test/fixtures/gene_sets.json: enrichment of gene sets.

- hypergeometric: the upper tail by exact integers (Python's comb and Fraction), held against scipy.stats.hypergeom.sf.
- over_representation: scipy.stats.hypergeom.sf and false_discovery_control.
- mann_whitney: scipy.stats.mannwhitneyu(method="asymptotic"); z from its p and side. `correlated`: the formula of Barry,
  Nobel & Wright 2008, by numpy.
- gsea: the score of Subramanian 2005 by a plain running sum in numpy, held against gseapy.prerank where gseapy is
  installed (1.3.1 when this was written: 1e-12); random sets are the first genes of RandomState(seed).permutation.
Usage: python test/oracles/gene_sets.py   Needs: numpy, scipy; gseapy for the check alone.
"""

import json
from fractions import Fraction
from math import comb

import numpy as np
import scipy
from scipy import stats

rng = np.random.RandomState(47)


def tail(k, total, members, drawn):
    ways = sum(comb(members, i) * comb(total - members, drawn - i) for i in range(k, min(members, drawn) + 1) if drawn - i <= total - members)
    return Fraction(ways, comb(total, drawn))


hypergeometric = []
worst = 0
for k, total, members, drawn in [(0, 0, 0, 0), (0, 5, 0, 3), (1, 5, 0, 3), (0, 5, 2, 3), (1, 5, 2, 3), (2, 5, 2, 3), (3, 5, 2, 3), (1, 5, 5, 3), (3, 5, 5, 3),
                                 (4, 5, 4, 5), (1, 1, 1, 1), (3, 10, 7, 6), (4, 10, 7, 6), (6, 10, 7, 6), (2, 100, 4, 10), (5, 20000, 200, 50), (1, 20000, 3, 50),
                                 (20, 20000, 200, 50), (50, 20000, 200, 50), (3, 17000, 500, 100), (2, 17000, 500, 100), (120, 20000, 1500, 1500), (112, 20000, 1500, 1500),
                                 (700, 20000, 1500, 1500), (30, 20000, 30, 12000), (10, 20000, 30, 12000), (5200, 20000, 10000, 10000), (5000, 20000, 10000, 10000)]:
    exact = float(tail(k, total, members, drawn))
    hypergeometric.append([k, total, members, drawn, exact])
    if exact > 1e-300 and total:
        worst = max(worst, abs(stats.hypergeom.sf(k - 1, total, members, drawn) / exact - 1))
print(f"scipy's hypergeom.sf differs from the exact tail by up to {worst:.1e}")

sets = [sorted(rng.choice(60, n, replace=False).tolist()) for n in (1, 3, 5, 8, 20, 40)]
picked = sets[3][:5] + [g for g in (59, 58, 2, 17, 30) if g not in sets[3][:5]]
p = np.array([stats.hypergeom.sf(len(set(s) & set(picked)) - 1, 60, len(s), len(picked)) for s in sets])
over = {"sets": sets, "picked": picked, "background": 60, "found": [[g for g in picked if g in s] for s in sets],
        "expected": [len(picked) * len(s) / 60 for s in sets], "p": p.tolist(), "q": stats.false_discovery_control(p).tolist()}

mann_whitney = []
for n, m, levels in ((2, 1, 0), (5, 2, 0), (30, 7, 0), (30, 7, 3), (101, 50, 0), (200, 3, 5), (12, 11, 2), (60, 20, 1)):
    values = rng.randn(n)
    members = sorted(rng.choice(n, m, replace=False).tolist())
    values[members] += 0.8
    if levels:
        values = np.round(values * levels / 2)
    rest = np.delete(values, members)
    r = stats.mannwhitneyu(values[members], rest, method="asymptotic")
    rho, ranks = 0.07, stats.rankdata(values)
    n2 = n - m
    gap = r.statistic - m * n2 / 2
    t = np.unique(values, return_counts=True)[1]
    v = (np.arcsin(1) * m * n2 + np.arcsin(0.5) * m * n2 * (n2 - 1) + np.arcsin(rho / 2) * m * (m - 1) * n2 * (n2 - 1)
         + np.arcsin((rho + 1) / 2) * m * (m - 1) * n2) / 2 / np.pi
    v *= 1 - (t * (t + 1) * (t - 1.0)).sum() / (n * (n + 1) * (n - 1))
    z = np.sign(gap) * max(0, abs(gap) - 0.5) / np.sqrt(v)
    mann_whitney.append({"values": values.tolist(), "members": members, "u": float(r.statistic), "p": float(r.pvalue),
                         "correlation": rho, "correlatedP": float(2 * stats.norm.sf(abs(z)))})


def score(order, s, member, weight):
    hit = member[order]
    w = np.where(hit, np.abs(s[order]) ** weight, 0)
    if w.sum() == 0:
        return 0.0, []
    running = np.cumsum(w / w.sum() - ~hit / (~hit).sum())
    top, low = running.max(), min(running.min(), 0)
    if top >= -low - 1e-12:
        return top, order[: running.argmax() + 1][hit[: running.argmax() + 1]].tolist()
    at = running.argmin() + 1
    return low, order[at:][hit[at:]][::-1].tolist()


gsea = []
for total, lengths, weight, levels, permutations in ((5, (1, 2, 4), 1, 0, 20), (60, (1, 3, 8, 20, 8), 1, 0, 50), (60, (3, 15), 0, 0, 30), (40, (5, 10), 1, 3, 30), (300, (15, 40), 1.5, 0, 40)):
    s = rng.randn(total)
    if levels:
        s = np.round(s * levels / 2)
    members = [sorted(rng.choice(total, n, replace=False).tolist()) for n in lengths]
    members[0] = np.argsort(-s, kind="stable")[-lengths[0]:].tolist()  # at the bottom
    order = np.argsort(-s, kind="stable")
    found = [score(order, s, np.isin(np.arange(total), m), weight) for m in members]
    r = np.random.RandomState(5)
    null = {n: [] for n in dict.fromkeys(lengths)}
    for _ in range(permutations):
        places = r.permutation(total)
        for n in null:
            null[n].append(score(order, s, np.isin(np.arange(total), order[places[:n]]), weight)[0])
    rows = []
    for n, m, (es, edge) in zip(lengths, members, found):
        same = [abs(v) for v in null[n] if (v >= 0) == (es >= 0)]
        rows.append({"genes": m, "es": es, "nes": es / np.mean(same) if same and np.mean(same) > 0 else None,
                     "p": (1 + sum(v >= abs(es) - 1e-12 for v in same)) / (1 + len(same)), "edge": edge})
    gsea.append({"scores": s.tolist(), "weight": weight, "permutations": permutations, "seed": 5, "rows": rows})
    try:
        import gseapy
        import pandas as pd
    except ImportError:
        print("gseapy is not installed: its scores are not compared")
        continue
    if not levels:
        result = gseapy.prerank(pd.Series(s, [f"G{g}" for g in range(total)]).sort_values(ascending=False), {str(k): [f"G{g}" for g in m] for k, m in enumerate(members)},
                                min_size=1, max_size=total, permutation_num=20, weight=weight, seed=1, outdir=None, no_plot=True, threads=1).res2d
        for _, row in result.iterrows():
            mine = rows[int(row.Term)]
            assert abs(row.ES - mine["es"]) < 1e-12, (row, mine)
            assert set(row.Lead_genes.split(";")) == {f"G{g}" for g in mine["edge"]}, (row.Lead_genes, mine)
        print(f"{len(result)} scores and leading edges equal to gseapy's, {gseapy.__version__}")

with open("test/fixtures/gene_sets.json", "w") as f:
    json.dump({"scipy": scipy.__version__, "hypergeometric": hypergeometric, "overRepresentation": over, "mannWhitney": mann_whitney,
               "gsea": gsea}, f, separators=(",", ":"), allow_nan=False)
