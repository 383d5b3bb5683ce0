"""Oracle of test/net/parity.test.ts: logits, gradients, running statistics and Adam loss curves by PyTorch.

Weights, images and masks come from numpy's RandomState, which cellhue reproduces bit for bit, so that the fixture holds
results alone. Usage: python test/oracles/nets.py [NET …]   (writes test/fixtures/nets.json, of these nets anew or of all)
Needs: torch, torchvision, efficientnet-lite-pytorch, numpy.
"""
import importlib, json, math, os, sys
import numpy as np, torch, torchvision
import efficientnet_lite_pytorch.model as lite
from efficientnet_lite_pytorch import EfficientNet as Lite

sd = importlib.import_module("torchvision.ops.stochastic_depth")  # the package has a function of the same name
torch.set_num_threads(2)
CLASSES = 5
rng = None  # RandomState of the current training step: masks are drawn from it in the network's order


def kind(name, dims):
    if name == "classifier.1.weight": return "linear"  # SqueezeNet's is a 1×1 convolution
    if len(dims) == 4: return "conv"
    if len(dims) == 2: return "linear"
    if name.endswith("running_mean"): return "bn_mean"
    if name.endswith("running_var"): return "bn_var"
    return None


def fill(net, seed=2026):
    state = [(k, v) for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")]
    norms = {k[: -len(".running_mean")] for k, _ in state if k.endswith(".running_mean")}
    specs = []
    with torch.no_grad():
        for i, (name, v) in enumerate(state):
            u = 2 * np.random.RandomState([seed, i]).random_sample(v.numel()) - 1
            k = kind(name, v.shape)
            prefix, last = name.rsplit(".", 1)
            if k is None: k = ("bn_weight" if last == "weight" else "bn_bias") if prefix in norms else "bias"
            w = {"conv": lambda: u * math.sqrt(6 / np.prod(v.shape[1:])), "linear": lambda: u / math.sqrt(v.shape[1]),
                 "bias": lambda: 0.1 * u, "bn_weight": lambda: 1 + 0.2 * u, "bn_bias": lambda: 0.2 * u,
                 "bn_mean": lambda: 0.2 * u, "bn_var": lambda: 1 + 0.5 * u}[k]()
            v.copy_(torch.tensor(w.astype(np.float32)).reshape(v.shape))
            specs.append([name, list(v.shape), k])
    return specs


def mask(x, shape, keep):
    m = (rng.random_sample(int(np.prod(shape))) < keep).astype(np.float32) / np.float32(keep)
    return x * torch.tensor(m).reshape(shape)


class Dropout(torch.nn.Dropout):
    def forward(self, x): return mask(x, x.shape, 1 - self.p) if self.training else x


sd.stochastic_depth = lambda x, p, mode, training=True: x if p == 0 or not training else mask(x, (x.shape[0], 1, 1, 1), 1 - p)
lite.drop_connect = lambda x, p, training: x if not p or not training else mask(x, (x.shape[0], 1, 1, 1), 1 - p)


def make(name, size):
    if name == "efficientnet_lite0":
        net = Lite.from_name("efficientnet-lite0", num_classes=CLASSES, image_size=size)
        net._dropout = Dropout(0.2)
        for m in net.modules():
            if isinstance(m, torch.nn.BatchNorm2d): m.momentum = 0.1  # ours, for short trainings
    else:
        net = getattr(torchvision.models, name)(num_classes=CLASSES)
        if name != "resnet18": net.classifier[0] = Dropout(net.classifier[0].p)
    specs = fill(net)
    return net, specs


def images(seed, n, h, w):
    return torch.tensor(np.random.RandomState([seed, n]).random_sample(n * 3 * h * w).astype(np.float32)).reshape(n, 3, h, w)


def digest(t):
    """norm, two projections on fixed waves, and up to 6 entries: an error in any entry moves them"""
    a = t.detach().numpy().astype(np.float64).ravel()
    j = np.arange(1, a.size + 1)
    at = np.unique(np.linspace(0, a.size - 1, 6).astype(int))
    return dict(norm=float(np.linalg.norm(a)), waves=[float((a * np.cos(k * j)).sum()) for k in (1, 2)], at=at.tolist(),
                values=a[at].tolist())


def grads(name, dtype):
    """One batch of 4; the seed is one at which no ReLU stands so near its corner that rounding decides its slope."""
    global rng
    net, specs = make(name, 64); net.train().to(dtype)
    rng = np.random.RandomState([5, 0])
    loss = torch.nn.functional.cross_entropy(net(images(BATCH[name], 4, 64, 64).to(dtype)), torch.tensor([0, 3, 1, 4])); loss.backward()
    return net, loss


def curve(name, dtype):
    global rng
    net, _ = make(name, 64); net.train().to(dtype)
    opt = torch.optim.Adam(net.parameters(), LR[name])
    losses = []
    for t in range(20):
        rng = np.random.RandomState([5, t])
        x = images(10 + t % 4, 8, 64, 64).to(dtype); y = torch.tensor([(3 * i + t % 4) % CLASSES for i in range(8)])
        opt.zero_grad(); loss = torch.nn.functional.cross_entropy(net(x), y); loss.backward(); opt.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad(): after = net(images(1, 2, 64, 64).to(dtype)).numpy().ravel().tolist()
    return losses, after


# Nets of ReLU6 with random weights are chaotic at 1e-4: PyTorch's own float32 curve of EfficientNet-Lite0 leaves its float64 one by 0.025.
LR = dict(resnet18=1e-4, efficientnet_b0=1e-4, efficientnet_lite0=1e-5, mobilenet_v2=3e-6, squeezenet1_1=1e-5)
BATCH = dict(resnet18=4, efficientnet_b0=4, efficientnet_lite0=1, mobilenet_v2=13, squeezenet1_1=4)
if __name__ == "__main__":
    fixture = os.path.join(os.path.dirname(__file__), "../fixtures/nets.json")
    out = json.load(open(fixture)) if sys.argv[1:] else {}
    for name in sys.argv[1:] or LR:
        r = dict(lr=LR[name], batch=BATCH[name], logits=[])
        for n, h, w in [(2, 64, 64), (1, 33, 47), (3, 128, 128)]:
            net, specs = make(name, (h, w)); net.eval()
            with torch.no_grad(): r["logits"].append(dict(n=n, h=h, w=w, values=net(images(1, n, h, w)).numpy().ravel().tolist()))
        r["specs"] = [s if name != "efficientnet_lite0" else ["", s[1], s[2]] for s in specs]
        # float64 is the truth; float32 (what users run) is held beside it, to show how well posed the comparison is
        (net, loss), (single, _) = grads(name, torch.float64), grads(name, torch.float32)
        total = math.sqrt(sum(float((p.grad ** 2).sum()) for p in net.parameters()))
        gap = max(float((p.grad - q.grad).norm() / max(p.grad.norm(), 1e-3 * total)) for p, q in zip(net.parameters(), single.parameters()))
        r["loss"] = loss.item(); r["total"] = total
        r["grads"] = [digest(p.grad) for p in net.parameters()]
        r["running"] = [digest(b) for k, b in net.state_dict().items() if "running" in k]
        r["curve"], r["after"] = curve(name, torch.float64)
        print(name, "PyTorch float32 against float64: gradients", gap, "curve", max(abs(a - b) for a, b in zip(r["curve"], curve(name, torch.float32)[0])))
        out[name] = r
    json.dump(out, open(fixture, "w"))
