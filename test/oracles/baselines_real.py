"""Writes test/fixtures/baselines_real.json: scikit-learn's baselines on six real sets, fold by fold.

usage: python test/oracles/baselines_real.py      (some minutes; sets are read from ../shared/data, absent ones skipped)

The recipe is the one that gives the baseline column of ../shared/data/README.md: on the training rows of each fold of
StratifiedKFold(5, shuffle=True, random_state=42), genes are standardised and projected on 50 principal components (one
less than there are rows, if that is fewer); the scores are not scaled again. `four_numbers` stands on the first four
scores, as the numbers of the image are cellhue's own. Kept are the numbers of right predictions, not the data.

The largest violation of the L1 optimality conditions is written beside the scores: left alone, SAGA would take hours
on these features, and its coefficients after the usual 100 epochs are no optimum.
"""
import json
import os
import warnings

import anndata
import numpy as np
import sklearn
from baselines_l1 import l1_optimum, violation
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")
DATA = "../shared/data"
SETS = {
    "infercnvpy_oligodendroglioma": ("assets/demo/infercnvpy_oligodendroglioma.h5ad", "cell_type"),
    "10x_pbmc68k_reduced": (f"{DATA}/10x_pbmc68k_reduced.h5ad", "bulk_labels"),
    "tcga_gbm_verhaak": (f"{DATA}/tcga_gbm_verhaak.h5ad", "subtype"),
    "zeisel_simlr680": (f"{DATA}/zeisel_simlr680.h5ad", "cluster"),
    "brain_tumor1_pomeroy90": (f"{DATA}/brain_tumor1_pomeroy90.h5ad", "tumour"),
    "pomeroy_outcome60": (f"{DATA}/pomeroy_outcome60.h5ad", "outcome"),
}


class L1(LogisticRegression):
    """SAGA, begun at the optimum that baselines_l1.py finds: scikit-learn's own updates have the last word."""

    def __init__(self):
        super().__init__(l1_ratio=1, solver="saga", tol=1e-7, max_iter=2000, random_state=0, warm_start=True)

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        self.coef_, self.intercept_ = l1_optimum(x, y, len(self.classes_))
        return super().fit(x, y)


out = {}
for name, (path, label) in SETS.items():
    if not os.path.exists(path):
        print("skipped, no such file:", path)
        continue
    d = anndata.read_h5ad(path)
    x = (d.X.toarray() if sparse.issparse(d.X) else np.asarray(d.X)).astype(np.float64)
    classes, y = np.unique(d.obs[label].astype(str).to_numpy(), return_inverse=True)
    models = {
        "logistic_l2": lambda: LogisticRegression(tol=1e-8, max_iter=100_000),
        "logistic_l1": L1,
        "knn": lambda: KNeighborsClassifier(5, algorithm="brute"),
        "nearest_centroid": NearestCentroid,
        "four_numbers": lambda: make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=100_000)),
        "majority": lambda: DummyClassifier(strategy="prior"),
    }
    right = {model: [] for model in models}
    folds, missed = [], 0
    for train, test in StratifiedKFold(5, shuffle=True, random_state=42).split(x, y):
        scaler = StandardScaler().fit(x[train])
        a, b = scaler.transform(x[train]), scaler.transform(x[test])
        pca = PCA(min(50, len(train) - 1), svd_solver="full").fit(a)
        a, b = pca.transform(a), pca.transform(b)
        folds.append(len(test))
        for model, make in models.items():
            cols = slice(4) if model == "four_numbers" else slice(None)
            fitted = make().fit(a[:, cols], y[train])
            right[model].append(int((fitted.predict(b[:, cols]) == y[test]).sum()))
            if model == "logistic_l1":
                missed = max(missed, violation(fitted.coef_, fitted.intercept_, a, y[train], len(classes)))
    accuracy = {model: sum(r) / len(y) for model, r in right.items()}
    out[name] = dict(path=path, label=label, samples=len(y), classes=len(classes), folds=folds, right=right,
                     accuracy=accuracy, l1Violation=missed)
    print(name, {m: round(a, 4) for m, a in accuracy.items()}, f"L1 missed by {missed:.1e}", flush=True)
with open("test/fixtures/baselines_real.json", "w") as f:
    json.dump({"sklearn": sklearn.__version__, "sets": out}, f, indent=1)
    f.write("\n")
