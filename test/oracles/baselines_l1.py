"""The optimum of scikit-learn's L1 logistic regression (C = 1) by another way than ours, for the oracles beside.

SAGA, the only solver that scikit-learn has for it, is far from the optimum after its usual epochs where features differ
in scale, and stops at once where all coefficients are 0. Here scipy's L-BFGS-B minimises the same objective on the split
w = u − v with u, v ≥ 0. `violation` says how far any model is from the optimum.
"""
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax


def l1_optimum(x, y, classes):
    """Coefficients (1 or classes × features) and intercepts; y in 0 … classes − 1, all present."""
    mean, scale = x.mean(0), x.std(0)
    scale[scale == 0] = 1
    z = (x - mean) / scale
    n, d = z.shape
    m = 1 if classes == 2 else classes
    onehot = np.eye(classes)[y]

    def f(t):
        u, v, b = t[: m * d].reshape(m, d), t[m * d : 2 * m * d].reshape(m, d), t[2 * m * d :]
        s = z @ (u - v).T + b
        if m == 1:
            loss = np.logaddexp(0, s[:, 0]).sum() - s[y == 1, 0].sum()
            residual = expit(s) - y[:, None]
        else:
            loss = -log_softmax(s, axis=1)[np.arange(n), y].sum()
            residual = softmax(s, axis=1) - onehot
        g = residual.T @ z
        slope = np.concatenate([(g + 1 / scale).ravel(), (-g + 1 / scale).ravel(), residual.sum(0)])
        return loss + ((u + v) / scale).sum(), slope

    t = np.zeros(2 * m * d + m)
    bounds = [(0, None)] * (2 * m * d) + [(None, None)] * m
    for _ in range(5):  # anew from where it stopped
        t = minimize(f, t, jac=True, method="L-BFGS-B", bounds=bounds,
                     options=dict(maxiter=100_000, maxfun=10**6, ftol=0, gtol=1e-9, maxcor=40)).x
    w = (t[: m * d] - t[m * d : 2 * m * d]).reshape(m, d) / scale
    return w, t[2 * m * d :] - w @ mean


def l1_probabilities(w, b, x):
    s = x @ w.T + b
    return np.c_[1 - expit(s), expit(s)] if len(b) == 1 else softmax(s, axis=1)


def violation(w, b, x, y, classes):
    """The largest excess of a subgradient of the loss (per unit of standardised feature) over its bound."""
    p = l1_probabilities(w, b, x)
    residual = p[:, 1:] - y[:, None] if classes == 2 else p - np.eye(classes)[y]
    scale = np.where(x.std(0) > 0, x.std(0), 1)
    g = residual.T @ x
    free = np.abs(residual.sum(0)).max()  # of the intercepts
    return float(max(free, (np.where(w != 0, np.abs(g + np.sign(w)), np.maximum(np.abs(g) - 1, 0)) / scale).max()))
