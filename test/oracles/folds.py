"""Writes test/fixtures/folds.json (scikit-learn's StratifiedKFold) and splitters.json (its other splitters, and scipy's
Cramér's V) for many vectors of classes and groups.

A fold per row says all, since the test sets part the rows and both index lists rise (asserted here).
Classes and folds are written one base-36 digit a row, groups two.
"""

import json
import warnings

import numpy as np
import sklearn
from scipy.stats.contingency import association, crosstab
from sklearn.model_selection import (GroupKFold, LeaveOneGroupOut, PredefinedSplit, RepeatedStratifiedKFold,
                                     StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit)

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
rng = np.random.RandomState(2024)


def text(values, width=1):
    return "".join("".join(DIGITS[v // 36**p % 36] for p in reversed(range(width))) for v in values)


def fold_of(splits, n, always_train=False):
    """The fold of each row, -1 where it is in no test set."""
    found = np.full(n, -1)
    for fold, (train, test) in enumerate(splits):
        train, test = np.asarray(train), np.asarray(test, int)
        assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(n))
        assert (found[test] == -1).all()
        found[test] = fold
    assert always_train or (found >= 0).all()
    return found


def case(codes, k, seed):
    codes = np.asarray(codes)
    folds = fold_of(StratifiedKFold(k, shuffle=True, random_state=seed).split(np.zeros(len(codes)), codes), len(codes))
    return {"k": k, "seed": int(seed), "codes": text(codes), "folds": text(folds)}


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


def grouped(codes, groups, k, seed):
    """All splitters that know groups, on one vector of classes and one of groups."""
    codes, groups, seed = np.asarray(codes), np.asarray(groups), int(seed)
    n = len(codes)
    x = np.zeros(n)
    made = dict(
        group=GroupKFold(k),
        shuffled=GroupKFold(k, shuffle=True, random_state=seed),
        stratifiedGroup=StratifiedGroupKFold(k, shuffle=True, random_state=seed),
    )
    out = {"k": k, "seed": seed, "codes": text(codes), "groups": text(groups, 2)}
    for name, splitter in made.items():
        out[name] = text(fold_of(splitter.split(x, codes, groups), n))
    left_out = fold_of(LeaveOneGroupOut().split(x, codes, groups), n)
    assert np.array_equal(left_out, np.unique(groups, return_inverse=True)[1])  # so it needs no list of its own
    return out


# one class; groups of one row; k groups; codes with gaps, unsorted; two groups; the class is the group
by_group = [
    grouped([0] * 9, [2, 2, 0, 1, 1, 1, 0, 2, 3], 3, 42),
    grouped([0, 1] * 6, range(12), 3, 1),
    grouped([0, 1, 1, 0, 1, 0, 1], [1000, 7, 7, 36, 1000, 36, 36], 3, 0),
    grouped([35, 0, 7, 0, 35, 0], [5, 1, 5, 1, 1, 5], 2, 42),
    grouped(np.repeat([0, 1, 2], 5), np.repeat([0, 1, 2], 5), 3, 7),
    grouped(np.repeat([0, 1, 2, 3], 4), np.repeat(np.arange(8), 2), 2, 42),  # equal groups: the seed decides all
]
for n in (8, 17, 40, 101, 240):
    for classes in (2, 3, 9, 20):
        for count in (5, 13, 60):
            k = int(rng.choice([2, 3, 5]))
            codes = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, 0.7)))
            names = rng.permutation(1296)[:count]
            groups = names[rng.choice(count, n, p=rng.dirichlet(np.full(count, 1.5)))]
            if np.bincount(codes).max() < k or len(np.unique(groups)) < k:
                continue
            by_group.append(grouped(codes, groups, k, rng.choice([0, 1, 42, 7, 2**32 - 1])))


def repeats(codes, groups, k, times, seed):
    """RepeatedStratifiedKFold, and StratifiedGroupKFold and GroupKFold repeated by the same rule (one random state)."""
    codes, groups = np.asarray(codes), np.asarray(groups)
    n = len(codes)
    x = np.zeros(n)
    every = list(RepeatedStratifiedKFold(n_splits=k, n_repeats=times, random_state=seed).split(x, codes))
    out = {"k": k, "times": times, "seed": seed, "codes": text(codes), "groups": text(groups, 2)}
    out["stratified"] = [text(fold_of(every[r * k : (r + 1) * k], n)) for r in range(times)]
    for name, kind in (("stratifiedGroup", StratifiedGroupKFold), ("group", GroupKFold)):
        state = np.random.RandomState(seed)
        splitters = (kind(k, shuffle=True, random_state=state) for _ in range(times))
        out[name] = [text(fold_of(s.split(x, codes, groups), n)) for s in splitters]
    return out


repeated = [
    repeats([0, 1] * 5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4], 2, 3, 42),
    repeats(rng.choice(3, 41), rng.choice(11, 41), 5, 4, 7),
    repeats(rng.choice(4, 60), np.repeat(np.arange(20), 3), 3, 10, 0),
    repeats(rng.choice(2, 15), np.arange(15), 3, 1, 42),
]


def predefined(values):
    """PredefinedSplit of a numeric column."""
    return {"values": [str(v) for v in values], "folds": fold_of(PredefinedSplit(values).split(), len(values), True).tolist()}


fixed = [predefined([0, 1, 0, 1, 1]), predefined([-1, 0, -1, 0]), predefined([10, 9, 2, 10, -1, 9, 2, 2, 100])]


def shuffled(codes, share, seed):
    """StratifiedShuffleSplit: 1 where a row is in the test set."""
    codes = np.asarray(codes)
    split = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
    train, test = next(split.split(np.zeros(len(codes)), codes))
    member = np.zeros(len(codes), int)
    member[test] = 1
    assert len(train) + len(test) == len(codes)
    return {"share": share, "seed": int(seed), "codes": text(codes), "test": text(member)}


shuffles = [shuffled([0, 0, 1, 1], 0.5, 42), shuffled([3, 9, 9, 3, 9], 0.4, 1), shuffled(medulloblastoma, 0.1, 42)]
for n in (9, 16, 33, 90, 151):
    for classes in (2, 4, 8):
        for share in (0.1, 0.15, 0.25, 1 / 3, 0.5):
            codes = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, 2)))
            if share == 0.25:
                codes = np.arange(n) % classes  # equal classes: lots decide
            counts = np.bincount(codes)
            if counts[counts > 0].min() < 2 or np.ceil(share * n) < (counts > 0).sum():
                continue
            shuffles.append(shuffled(codes, share, rng.choice([0, 1, 42, 7, 2**32 - 1])))


def cramer(a, b):
    return {"a": text(a), "b": text(b), "v": float(association(crosstab(a, b).count, method="cramer"))}


cramers = [cramer([0, 0, 1, 1], [0, 1, 0, 1]), cramer([0, 0, 1, 2], [1, 1, 0, 5]), cramer([0, 1, 1], [1, 0, 2])]
cramers += [cramer(rng.choice(a, n), rng.choice(b, n)) for a, b, n in ((2, 2, 7), (3, 9, 40), (12, 4, 101), (5, 5, 250))]


def write(name, **lists):
    with open(f"test/fixtures/{name}.json", "w") as f:
        json.dump({"sklearn": sklearn.__version__, **lists}, f, separators=(",", ":"))
    print(name, {key: len(value) for key, value in lists.items()})


write("folds", cases=cases)
write("splitters", byGroup=by_group, repeated=repeated, fixed=fixed, shuffles=shuffles, cramers=cramers)
