"""Oracle of test/explain/ssim.test.ts: skimage.metrics.structural_similarity, with its defaults but for the range.

`drawn`: the mean of its map over windows in which one of the two is not 0. Maps are drawn as the test draws them.
Usage: python test/oracles/ssim.py   (writes test/fixtures/ssim.json). Needs: scikit-image (0.26), scipy, numpy.
"""
import json, os
import numpy as np
from scipy.ndimage import maximum_filter
from skimage.metrics import structural_similarity

cases = []
for h, w, low, high, empty, mix in [(7, 7, 0, 1, 0, 0.5), (12, 9, -1, 1, 0, 0), (24, 31, -1, 1, 0.95, 0.8), (20, 20, -1, 1, 1, 1), (48, 48, 0, 255, 0.5, 0.3), (30, 30, -1, 1, 0.99, -1)]:
    random = np.random.RandomState([81, len(cases)])
    draw = lambda: np.where(random.random_sample((h, w)) < empty, 0, low + (high - low) * random.random_sample((h, w))).astype(np.float32).astype(float)
    a, other = draw(), draw()
    b = (mix * a + (1 - abs(mix)) * other).astype(np.float32).astype(float)
    value, full = structural_similarity(a, b, data_range=high - low, full=True)
    some = maximum_filter((a != 0) | (b != 0), 7)[3:-3, 3:-3]
    cases.append(dict(height=h, width=w, low=low, high=high, empty=empty, mix=mix, ssim=float(value), drawn=float(full[3:-3, 3:-3][some].mean()) if some.any() else None))
    print(cases[-1])
open(os.path.join(os.path.dirname(__file__), "../fixtures/ssim.json"), "w").write("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")
