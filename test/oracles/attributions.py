"""Oracle of test/explain/*.test.ts: captum's attributions of small nets with weights by formula (see nets.py).

Inputs are images of 33×40 px, or 7 genes behind a painter (image = sigmoid of expression · matrix). All by captum but
SmoothGrad, expected gradients and the pullback, which are written out in PyTorch: captum draws by its own stream, and has no
pullback. float64 throughout; random numbers by numpy's RandomState, which cellhue reproduces. `flat` is a small net with a
flattened head, where Grad-CAM and HiResCAM differ.
Usage: python test/oracles/attributions.py   (writes test/fixtures/attributions.json). Needs: torch, torchvision,
efficientnet-lite-pytorch, captum, numpy.
"""
import json, os
import numpy as np, torch
from captum.attr import (InputXGradient, IntegratedGradients, LayerAttribution, LayerGradCam, LayerGradientXActivation, Occlusion,
                         Saliency)
from nets import digest, fill, make

torch.set_num_threads(1)
H, W, GENES, CODES = 33, 40, 7, [3, 0, 4]
N = len(CODES)
target = torch.tensor(CODES)


def drawn(seed, dims, low=0.0, high=1.0):
    u = np.random.RandomState(seed).random_sample(int(np.prod(dims)))
    return torch.tensor((low + (high - low) * u).astype(np.float32).astype(np.float64)).reshape(dims)


matrix = drawn([30, 7], (GENES, 3 * H * W), -1, 1)
inputs = dict(image=drawn([31, N], (N, 3, H, W)), genes=drawn([32, N], (N, GENES), -1, 1))
baselines = dict(image=drawn([33, 1], (1, 3, H, W), 0, 0.3), genes=drawn([34, 1], (1, GENES), -0.2, 0.2))
backgrounds = dict(image=drawn([35, 6], (6, 3, H, W)), genes=drawn([36, 6], (6, GENES), -1, 1))
SD = dict(image=0.15, genes=np.linspace(0.1, 0.4, GENES).astype(np.float32).astype(np.float64))
DRAWS = 12


def paint(x): return torch.sigmoid(x @ matrix.to(x.dtype)).reshape(-1, 3, H, W)


class Behind(torch.nn.Module):
    """the net behind the painter"""
    def __init__(self, net): super().__init__(); self.net = net
    def forward(self, x): return self.net(paint(x))


def gradient(model, x, codes):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(model(x).gather(1, codes[:, None]).sum(), x)[0]


class Flat(torch.nn.Module):
    """conv 3×3, stride 2 → ReLU → flattened → linear, with weights as nets.py draws them"""
    def __init__(self):
        super().__init__()
        self.conv, self.last, self.fc = torch.nn.Conv2d(3, 4, 3, 2, 1, bias=False), torch.nn.Identity(), torch.nn.Linear(4 * 17 * 20, 5)
    def forward(self, x): return self.fc(self.last(torch.relu(self.conv(x))).flatten(1))


def net_of(name):
    if name != "flat": return make(name, (H, W))[0].eval()
    net = Flat()
    fill(net)
    return net.eval()


def pullback(x, cotangent):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(paint(x), x, cotangent)[0]


POOL = dict(resnet18="avgpool", efficientnet_b0="avgpool", flat="last")  # what the last feature map enters


def attributions(name, space, dtype):
    net = net_of(name).to(dtype)
    model = net if space == "image" else Behind(net)
    x, b, background = (d[space].to(dtype) for d in (inputs, baselines, backgrounds))
    flat = lambda a: a.reshape(N, -1)
    out = dict(scores=model(x).detach())
    out["gradient"] = Saliency(model).attribute(x.clone(), target=target, abs=False)
    out["timesInput"] = InputXGradient(model).attribute(x.clone(), target=target)
    out["timesDifference"] = (x - b) * gradient(model, x, target)
    out["integrated"], out["delta"] = IntegratedGradients(model).attribute(x, baselines=b, target=target, n_steps=50, return_convergence_delta=True)
    smooth, expected = torch.zeros_like(x), torch.zeros_like(x)
    for i in range(N):
        noise = torch.tensor(np.random.RandomState([40, i]).standard_normal((DRAWS, flat(x).shape[1]))) * torch.tensor(SD[space])
        smooth[i] = gradient(model, x[[i]] + noise.reshape(DRAWS, *x.shape[1:]).to(dtype), target[[i] * DRAWS]).mean(0)
        random, sum_ = np.random.RandomState([41, i]), 0
        for _ in range(DRAWS):
            reference, alpha = background[[random.randint(0, len(background))]], random.random_sample()
            sum_ = sum_ + (x[[i]] - reference) * gradient(model, reference + alpha * (x[[i]] - reference), target[[i]])
        expected[i] = sum_[0] / DRAWS
    out["smooth"], out["expected"] = smooth, expected
    if space == "image":
        for window, stride in ([8, 8], [11, 6]):
            a = Occlusion(model).attribute(x, sliding_window_shapes=(3, window, window), strides=(3, stride, stride), baselines=b, target=target)
            assert (a - a[:, :1]).abs().max() == 0
            out[f"occlusion{window}"] = a[:, 0]
    else:
        out["occlusion"] = Occlusion(model).attribute(x, sliding_window_shapes=(1,), baselines=b, target=target)
        groups = [[0, 1, 2], [2, 5], list(range(GENES))]
        gap = lambda g: model(x) - model(x.index_copy(1, torch.tensor(g), b[:, g].expand(N, -1)))
        out["groups"] = torch.stack([gap(g).gather(1, target[:, None])[:, 0] for g in groups], 1).detach()
    layer = getattr(net, POOL[name])
    up = lambda a: LayerAttribution.interpolate(a, (H, W), "bilinear")[:, 0]
    out["gradCam"] = up(LayerGradCam(model, layer).attribute(x, target=target, attribute_to_layer_input=True, relu_attributions=True))
    hires = LayerGradientXActivation(model, layer).attribute(x, target=target, attribute_to_layer_input=True).sum(1, keepdim=True)
    # all that the scores owe to the map: they are linear in it
    assert torch.allclose(hires.sum((1, 2, 3)), (model(x) - model.state_dict()[[k for k in model.state_dict() if k.endswith("bias")][-1]]).gather(1, target[:, None])[:, 0], atol=1e-4)
    out["hiResCam"] = up(hires)
    return {k: v.detach() for k, v in out.items()}


def whole(t): return t.numpy().ravel().tolist()


if __name__ == "__main__":
    result = dict(gaussLegendre={n: [a.tolist() for a in np.polynomial.legendre.leggauss(n)] for n in (1, 2, 5, 50, 51)})
    for name in ("resnet18", "efficientnet_b0", "flat"):
        for space in ("image", "genes"):
            truth, single = attributions(name, space, torch.float64), attributions(name, space, torch.float32)
            gaps = {k: float((v - single[k]).norm() / v.norm()) for k, v in truth.items()}
            print(name, space, "PyTorch float32 against float64:", {k: f"{v:.0e}" for k, v in gaps.items()})
            result[f"{name}/{space}"] = {k: whole(v) if v[0].numel() <= 64 else [digest(a) for a in v] for k, v in truth.items()}
    maps, x = drawn([37, N], (N, H, W), -1, 1), inputs["genes"]
    whole_maps = drawn([38, N], (N, 3, H, W), -1, 1)
    result["pullback"] = dict(map=whole(pullback(x, maps[:, None].expand(-1, 3, -1, -1))), channels=whole(pullback(x, whole_maps)),
                              timesDifference=whole((x - baselines["genes"]) * pullback(x, maps[:, None].expand(-1, 3, -1, -1))))
    path = os.path.join(os.path.dirname(__file__), "../fixtures/attributions.json")
    json.dump(result, open(path, "w"), separators=(",", ":"))
    print(os.path.getsize(path), "bytes")
