"""Writes test/fixtures/random_state.json: streams of numpy.random.RandomState for integer and array seeds."""

import json
import struct

import numpy as np

SEEDS = [0, 1, 42, 12345, 2**31, 2**32 - 1, [0], [42, 0], [42, 3, 7], [2**32 - 1, 5], list(range(1000, 1700))]
MAXIMA = [0, 1, 2, 5, 7, 8, 99, 255, 256, 1000003, 2**31 - 1, 2**31, 2**32 - 1]


def bits(values):
    """float64 as hexadecimal, so that nothing is rounded."""
    return [struct.pack(">d", v).hex() for v in values]


cases = []
for seed in SEEDS:
    rs = lambda seed=seed: np.random.RandomState(seed)
    r = rs()
    mixed = []  # one stream through all methods: the state they share must agree too
    for i in range(6):
        mixed.append([bits([r.standard_normal()])[0], int(r.randint(0, 10)), bits([r.random_sample()])[0],
                      r.permutation(i).tolist()])
    late = rs()
    late.random_sample(1000)
    r = rs()
    cases.append({
        "seed": seed,
        "random": bits(rs().random_sample(20)),
        "randomAfter1000": bits(late.random_sample(5)),
        "normal": bits(rs().standard_normal(41)),
        "interval": [[m, int(r.randint(0, m + 1, dtype=np.int64))] for m in MAXIMA for _ in range(3)],
        "permutations": [rs().permutation(n).tolist() for n in (0, 1, 2, 17, 130)],
        "shuffle": (lambda a, q: (q.shuffle(a), a)[1])(np.array([0, 0, 0, 1, 1, 2, 2, 2, 3]), rs()).tolist(),
        "mixed": mixed,
    })
with open("test/fixtures/random_state.json", "w") as f:
    json.dump({"numpy": np.__version__, "cases": cases}, f, separators=(",", ":"))
