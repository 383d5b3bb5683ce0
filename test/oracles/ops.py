"""Oracle of test/graph/ops.test.ts: every differentiable op, forward and backward, by PyTorch in float64.

A case names the op, its inputs (drawn from numpy's RandomState, which cellhue reproduces, or listed) and its options.
The gradient that arrives at the output is drawn too, so that the fixture holds digests of the results alone.
Usage: python test/oracles/ops.py   (writes test/fixtures/ops.json). Needs: torch, numpy.
"""
import json, math, os
import numpy as np, torch
import torch.nn.functional as F
from nets import digest

cases = []


def result(t):
    """small tensors whole, large ones as digests"""
    return dict(all=t.detach().numpy().ravel().tolist()) if t.numel() <= 24 else digest(t)


def values(seed, i, spec):
    if "list" in spec: return np.array(spec["list"], np.float32)
    u = 2 * np.random.RandomState([seed, i]).random_sample(int(np.prod(spec["dims"]))) - 1
    a = (spec.get("scale", 1) * u + spec.get("offset", 0)).astype(np.float32)
    return np.rint(a) if spec.get("whole") else a


def case(name, op, inputs, f, options=None, grads=None):
    """f: tensors → y or [y, …]; grads: which inputs' gradients are compared (all by default)"""
    seed = len(cases)
    ts = [torch.tensor(values(seed, i, s).astype(np.float64)).reshape(s["dims"]).requires_grad_() for i, s in enumerate(inputs)]
    out = f(*ts)
    ys = out if isinstance(out, list) else [out]
    dy = torch.tensor(values(seed, 99, {"dims": list(ys[0].shape) or [1]}).astype(np.float64)).reshape(ys[0].shape)
    ys[0].backward(dy)
    cases.append(dict(name=name, op=op, options=options or {}, inputs=inputs, outs=[dict(dims=list(y.shape), **result(y)) for y in ys],
                      grads={i: result(t.grad) for i, t in enumerate(ts) if grads is None or i in grads}))


def d(*dims, **k): return dict(dims=list(dims), **k)


def conv(name, n, c, h, w, k, kh, kw, stride=1, pads=(0, 0, 0, 0), groups=1, bias=False):
    t, l, b, r = pads
    def f(x, weight, *bs): return F.conv2d(F.pad(x, (l, r, t, b)), weight, bs[0] if bs else None, stride, 0, 1, groups)
    inputs = [d(n, c, h, w), d(k, c // groups, kh, kw)] + ([d(k)] if bias else [])
    case(f"{name}: {n}×{c}×{h}×{w}, {k} kernels {kh}×{kw}, stride {stride}, pads {list(pads)}, groups {groups}", "conv2d",
         inputs, f, dict(stride=stride, pads=list(pads), groups=groups))


P1, P2, P3 = (1,) * 4, (2,) * 4, (3,) * 4
conv("3×3", 2, 3, 8, 8, 4, 3, 3, pads=P1)
conv("3×3 odd, not square", 2, 3, 7, 5, 4, 3, 3, pads=P1)
conv("3×3 without pads", 2, 3, 7, 6, 2, 3, 3)
conv("3×3 stride 2, even", 2, 3, 8, 8, 4, 3, 3, 2, P1)
conv("3×3 stride 2, odd, not square", 3, 2, 9, 6, 5, 3, 3, 2, P1)
conv("3×3 stride 2, uneven pads (SAME)", 2, 3, 8, 6, 4, 3, 3, 2, (0, 0, 1, 1))
conv("3×3 stride 2, uneven pads, odd", 2, 3, 7, 8, 4, 3, 3, 2, (1, 0, 1, 1))
conv("3×3 stride 2, the last row is never reached", 2, 3, 8, 7, 4, 3, 3, 2)
conv("1×1", 2, 5, 4, 3, 7, 1, 1)
conv("1×1 stride 2, even (downsample)", 2, 4, 8, 6, 6, 1, 1, 2)
conv("1×1 stride 2, odd", 2, 4, 7, 5, 6, 1, 1, 2)
conv("1×1 on one pixel", 3, 4, 1, 1, 2, 1, 1)
conv("5×5", 2, 3, 9, 7, 2, 5, 5, pads=P2)
conv("5×5 stride 2, uneven pads", 2, 2, 10, 11, 3, 5, 5, 2, (1, 2, 2, 2))
conv("7×7 stride 2 (ResNet's first)", 2, 3, 17, 14, 4, 7, 7, 2, P3)
conv("7×7 wider than the image", 2, 2, 3, 4, 3, 7, 7, 1, P3)
conv("kernel not square", 2, 2, 6, 7, 3, 3, 5, 1, (1, 2, 1, 2))
conv("kernel of one row, stride 2", 2, 2, 6, 7, 3, 1, 3, 2, (0, 1, 0, 1))
conv("pads wider than the kernel", 2, 2, 4, 5, 3, 1, 1, 1, P1)
conv("pads wider than the kernel, one side", 2, 2, 4, 5, 3, 3, 3, 1, (3, 0, 1, 2))
conv("bias", 2, 3, 5, 4, 4, 3, 3, 1, P1, bias=True)
conv("bias, 1×1, stride 2", 2, 3, 5, 4, 4, 1, 1, 2, bias=True)
conv("batch of one", 1, 3, 6, 5, 4, 3, 3, 1, P1)
conv("one channel in", 2, 1, 6, 5, 4, 3, 3, 1, P1)
conv("one channel out", 2, 4, 6, 5, 1, 3, 3, 2, P1)
conv("one of everything", 1, 1, 1, 1, 1, 1, 1)
conv("one of everything, 3×3", 1, 1, 1, 1, 1, 3, 3, 1, P1)
conv("more columns than kernels", 4, 2, 12, 12, 3, 3, 3, 1, P1)
conv("more kernels than patches", 1, 2, 3, 3, 40, 1, 1)
conv("depthwise 3×3", 2, 6, 7, 5, 6, 3, 3, 1, P1, 6)
conv("depthwise 3×3 stride 2, uneven", 2, 5, 8, 7, 5, 3, 3, 2, (0, 1, 1, 1), 5)
conv("depthwise 5×5 stride 2", 1, 4, 9, 11, 4, 5, 5, 2, P2, 4)
conv("depthwise 5×5, wider than the image", 2, 4, 2, 1, 4, 5, 5, 1, P2, 4)
conv("depthwise 1×1", 2, 3, 4, 5, 3, 1, 1, 1, groups=3)
conv("depthwise with bias", 2, 3, 4, 5, 3, 3, 3, 1, P1, 3, bias=True)


def norm(name, n, c, h, w, eps=1e-5, momentum=0.1, x=None, training=True):
    def f(x, weight, bias, mean, var):
        if not training: return F.batch_norm(x, mean.detach(), var.detach(), weight, bias, False, momentum, eps)
        m, v = mean.detach().clone(), var.detach().clone()
        return [F.batch_norm(x, m, v, weight, bias, True, momentum, eps), m, v]
    inputs = [x or d(n, c, h, w, scale=2, offset=0.5), d(c, offset=1, scale=0.5), d(c), d(c), d(c, offset=1.5)]
    case(f"{name}: {n}×{c}×{h}×{w}, eps {eps}, momentum {momentum}", "batchNorm" + ("Training" if training else "Evaluation"), inputs, f,
         dict(eps=eps, momentum=momentum), [0, 1, 2] if training else [0])


norm("training", 4, 3, 5, 6)
norm("training, another eps and momentum", 2, 5, 3, 3, 1e-3, 0.01)
norm("training, one channel", 3, 1, 4, 4)
norm("training, two values a channel", 2, 4, 1, 1)
norm("training, batch of one", 1, 3, 4, 5)
norm("training, far from 0", 3, 2, 5, 5, x=d(3, 2, 5, 5, offset=30))
norm("training, a constant channel", 2, 2, 2, 2, x=d(2, 2, 2, 2, list=[3, 3, 3, 3, 1, 2, 3, 4, 3, 3, 3, 3, 5, 6, 7, 9]))
norm("evaluation", 3, 4, 5, 3, training=False)
norm("evaluation, eps 1e-3, batch of one", 1, 2, 3, 3, 1e-3, training=False)


def pool(name, x, kernel, stride, pad, **ceil):
    case(f"{name}: {x['dims']}, kernel {kernel}, stride {stride}, pad {pad}", "maxPool", [x],
         lambda t: F.max_pool2d(t, kernel, stride, pad, ceil_mode=bool(ceil)), dict(kernel=kernel, stride=stride, pad=pad, **ceil))


pool("as in ResNet", d(2, 3, 8, 8), 3, 2, 1)
pool("odd, not square", d(2, 3, 9, 5), 3, 2, 1)
pool("2×2", d(1, 2, 6, 7), 2, 2, 0)
pool("overlapping", d(2, 1, 5, 6), 3, 1, 1)
pool("one pixel", d(2, 2, 1, 1), 3, 2, 1)
pool("all negative", d(2, 2, 5, 5, offset=-3), 3, 2, 1)
pool("ties go to the first", d(2, 3, 7, 7, whole=1, scale=1.4), 3, 2, 1)
pool("all equal (black images)", d(1, 2, 6, 6, list=[0] * 72), 3, 2, 1)
for dims in ([2, 3, 4, 5], [1, 4, 1, 1], [3, 1, 7, 2]):
    case(f"to N×C: {dims}", "globalAveragePool", [d(*dims)], lambda x: x.mean((2, 3)))

for op, f in dict(add=torch.add, sub=torch.sub, mul=torch.mul).items():
    for a, b in [([2, 3], [2, 3]), ([2, 3, 4, 5], [2, 3, 1, 1]), ([2, 1, 1, 1], [2, 3, 4, 5]), ([4, 5], [5]), ([5], [2, 1, 5]), ([3, 1], [1, 4]),
                 ([2, 3], []), ([], []), ([1, 1], [1]), ([1], [4])]:
        case(f"{a} with {b}", op, [d(*a), d(*b)], f)

corners = [-1e30, -100, -20, -1, -1e-30, -0.0, 0, 1e-30, 0.5, 1, 3, 5.999999, 6, 6.0000005, 20, 100, 1e30]
for op, f in dict(relu=F.relu, relu6=F.relu6, sigmoid=torch.sigmoid, silu=F.silu).items():
    case("drawn", op, [d(3, 4, 5, scale=8)], f)
    case("corners and extremes", op, [d(len(corners), list=corners)], f)

def soft(n, k): return np.random.RandomState([7, n]).dirichlet(np.ones(k), n).astype(np.float32).ravel().tolist()
def hot(codes, k): return np.eye(k)[codes].ravel().tolist()
for name, z, t in [("one-hot", d(5, 4, scale=3), hot([0, 3, 3, 1, 2], 4)), ("one sample, two classes", d(1, 2), hot([1], 2)),
                   ("soft targets", d(6, 3, scale=2), soft(6, 3)), ("large logits", d(3, 4, scale=1000), hot([1, 2, 0], 4)),
                   ("one class", d(3, 1), [1, 1, 1]), ("many classes", d(2, 300), hot([299, 0], 300))]:
    case(name, "crossEntropy", [z, d(*z["dims"], list=t)], F.cross_entropy, grads=[0])

for n, c, k in [(4, 6, 3), (3, 6, 8), (1, 5, 4), (4, 1, 3), (3, 1, 5), (4, 5, 1), (1, 1, 1), (32, 64, 10), (5, 17, 40)]:
    case(f"{n}×{c} to {k}", "linear", [d(n, c), d(k, c), d(k)], F.linear)
for m, k, n in [(4, 5, 3), (3, 5, 4), (3, 1, 4), (1, 7, 1), (2, 33, 70)]:
    case(f"{m}×{k} by {n}×{k}", "productTransposed", [d(m, k), d(n, k)], lambda a, b: a @ b.T, grads=[])
for a, b in [([2, 3, 4], [6, 4]), ([6], [1, 6, 1, 1]), ([1], []), ([2, 3, 1, 1], [2, 3])]:
    case(f"{a} as {b}", "reshape", [d(*a)], lambda x: x.reshape(b), dict(dims=b))

for a, b in [([2, 3], [2, 3]), ([4, 5], [4, 1]), ([4, 1], [1, 5]), ([3], []), ([1, 1], [1])]:
    case(f"{a} by {b}", "div", [d(*a), d(*b, offset=2)], torch.div)
for op, f in dict(sqrt=torch.sqrt, log=torch.log).items():
    case("drawn", op, [d(3, 5, offset=2)], f)
    case("near 0 and large", op, [d(5, list=[1e-30, 1e-6, 1, 1e6, 1e30])], f)
for m, k, n in [(4, 5, 3), (3, 5, 4), (3, 1, 4), (1, 7, 1), (2, 33, 70), (1, 1, 1)]:
    case(f"{m}×{k} by {k}×{n}", "matMul", [d(m, k), d(k, n)], torch.matmul)
for n, k, columns in [(3, 5, [0, 2, 4]), (2, 4, [3, 1]), (1, 1, [0]), (4, 6, [5]), (2, 3, [0, 1, 2])]:
    case(f"{columns} of {n}×{k}", "gatherColumns", [d(n, k)], lambda x: x[:, columns], dict(columns=columns))
for n, k in [(3, 5), (1, 4), (4, 1), (1, 1)]:
    case(f"{n}×{k}", "rowSum", [d(n, k)], lambda x: x.sum(1, keepdim=True))
for n, k, count in [(3, 5, 2), (2, 7, 7), (1, 4, 1), (4, 1, 1)]:
    case(f"{count} of {n}×{k}", "rowSmallest", [d(n, k)], lambda x: torch.topk(x, count, 1, False, True).values, dict(count=count))
case("what has no root is 0", "zeroMissing", [d(6, scale=3), d(6, list=[4, -1, 2.25, -3, 9, 0.25])],
     lambda x, m: torch.where(m > 0, x - torch.sqrt(m.abs()), torch.zeros_like(x)), grads=[0])

def within(x, low, high):
    """torch.clamp, but for the gradient at the bounds, where PyTorch 2.15 has 0 (bounds as numbers) or 0.5 (as tensors)"""
    y = torch.where(x < low, low, torch.where(x > high, high, x))
    assert torch.equal(y, torch.clamp(x, low, high))
    return y


for low, high, name in [(0, 1, "0…1"), (-0.5, math.inf, "from below"), (-math.inf, 0.25, "from above"), (0.5, 0.5, "to one value"), (-math.inf, math.inf, "to nothing")]:
    case(f"{name}, drawn", "clip", [d(3, 5, scale=2)], lambda x: within(x, low, high), dict(low=str(low), high=str(high)))
case("the bounds themselves", "clip", [d(7, list=[-1e30, -1e-30, 0, 0.5, 1, 1.0000001, 1e30])], lambda x: within(x, 0, 1), dict(low="0", high="1"))
case("there and back", "cast", [d(3, 4)], lambda x: x * x)
for n, widths in [(3, [2, 1, 4]), (1, [1]), (2, [3, 3]), (1, [1, 1, 1, 1])]:
    case(f"{n} rows of {widths}", "concatColumns", [d(n, k) for k in widths], lambda *xs: torch.cat(xs, 1))
case("in float64", "sigmoid64", [d(3, 4, scale=8)], torch.sigmoid)

# at the end, since a case's number is its seed
pool("ceil, even", d(2, 3, 8, 6), 3, 2, 0, ceil=True)
pool("ceil, odd, not square: no window over the edge", d(2, 3, 9, 5), 3, 2, 0, ceil=True)
pool("ceil, one axis over the edge", d(1, 2, 6, 7), 3, 2, 0, ceil=True)
pool("ceil, smaller than the kernel", d(2, 2, 2, 2), 3, 2, 0, ceil=True)
pool("ceil, all negative", d(2, 2, 4, 6, offset=-3), 3, 2, 0, ceil=True)
pool("ceil, ties go to the first", d(2, 3, 6, 8, whole=1, scale=1.4), 3, 2, 0, ceil=True)
pool("ceil with pads", d(2, 2, 6, 9), 3, 2, 1, ceil=True)
pool("ceil, a window wholly beyond the image is none", d(2, 2, 5, 6), 2, 2, 1, ceil=True)
for parts in ([[2, 3, 4, 5], [2, 2, 4, 5]], [[1, 1, 1, 1]], [[3, 1, 2, 1], [3, 4, 2, 1], [3, 2, 2, 1]]):
    case(f"{parts} side by side", "concatChannels", [d(*p) for p in parts], lambda *xs: torch.cat(xs, 1))

text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":"), ensure_ascii=False) for c in cases) + "\n]\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/ops.json"), "w").write(text)
print(len(cases), "cases", len(text), "bytes")
