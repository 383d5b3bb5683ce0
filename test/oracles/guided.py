"""Oracle of saliency-guided training (test/train/{mask-salient,guided}.test.ts, test/graph/kl-divergence.test.ts).

- divergence: torch.nn.functional.kl_div(log_softmax(q), log_softmax(p), log_target=True, reduction="batchmean") and its
  gradients by both, float64.
- masks: the least salient features by numpy's stable argsort; draws by RandomState, one a feature.
- trainings: the authors' loop (github.com/ayaabdelsalam91/saliency_guided_training) in PyTorch, float64: model.eval() and the
  gradient of the true logits, masking, model.train(), model(x) and then model(masked), cross-entropy + guidance · KL with
  the gradient through both answers, Adam. It masks single channels by the gradient's size, as cellhue does. Weights, images
  and masks come from numpy's RandomState, as in nets.py.
- genes: the same loop in gene space, compact net: the gradient goes on through a painter (z-scores cut to 0…1, two genes on a
  pixel of 8×8, doubled, rounded to bytes with the gradient of no rounding), genes are masked, and painted again.
Usage: python test/oracles/guided.py   (writes test/fixtures/guided.json). Needs: torch, torchvision,
efficientnet-lite-pytorch, numpy.
"""
import json, os, sys
sys.path.append(sys.path.pop(0))  # else torch finds statistics.py of this folder in the place of Python's own
import numpy as np, torch
import torch.nn.functional as F
import nets

rng = np.random.RandomState(53)

divergences = []
for n, k, scale in [(5, 4, 3), (1, 2, 1), (3, 1, 1), (2, 100, 2), (3, 4, 300), (4, 3, 0)]:
    p, q = (torch.tensor(np.round(8 * scale * rng.randn(n, k)) / 8, requires_grad=True) for _ in range(2))
    loss = F.kl_div(q.log_softmax(1), p.log_softmax(1), log_target=True, reduction="batchmean"); (1.7 * loss).backward()
    divergences.append(dict(n=n, k=k, p=p.detach().ravel().tolist(), q=q.detach().ravel().tolist(), weight=1.7, loss=loss.item(),
                            gradP=p.grad.ravel().tolist(), gradQ=q.grad.ravel().tolist()))


def mask_least(x, g, share, low, high, random):
    """x, g: samples × features, float64"""
    out = x.copy()
    for i in range(len(x)):
        values = low + (high - low) * random.random_sample(x.shape[1])
        worst = np.argsort(np.abs(g[i]), kind="stable")[: int(np.floor(share * x.shape[1]))]
        out[i, worst] = values[worst]
    return out


masks = []
for n, d, share, whole in [(3, 7, 0.5, 0), (2, 9, 0.34, 1), (4, 5, 0, 0), (2, 4, 1, 0), (1, 1, 0.5, 0), (1, 1, 1, 0), (3, 12, 0.75, 1)]:
    x, g = rng.rand(n, d).astype(np.float32).astype(float), rng.randn(n, d).astype(np.float32).astype(float)
    if whole: g = np.round(g)
    masks.append(dict(n=n, share=share, x=x.ravel().tolist(), g=g.ravel().tolist(), seed=len(masks), low=x.min(0).tolist(), high=x.max(0).tolist(),
                      random=mask_least(x, g, share, x.min(0), x.max(0), np.random.RandomState(len(masks))).ravel().tolist(),
                      mean=mask_least(x, g, share, x.mean(0), x.mean(0), np.random.RandomState(0)).ravel().tolist()))


def training(name, seed, size, batch, steps, lr, share, guidance, dtype=torch.float64):
    net, _ = nets.make(name, size); net.to(dtype)
    opt = torch.optim.Adam(net.parameters(), lr)
    losses, kls = [], []
    for t in range(steps):
        x = nets.images(seed + t, batch, size, size).to(dtype); y = torch.tensor([(3 * i + t) % nets.CLASSES for i in range(batch)])
        nets.rng = np.random.RandomState([5, t])
        if guidance is not None:
            net.eval(); leaf = x.clone().requires_grad_()
            g, = torch.autograd.grad(net(leaf)[range(batch), y].sum(), leaf)
            flat = x.double().reshape(batch, -1).numpy()
            masked = torch.tensor(mask_least(flat, g.reshape(batch, -1).numpy(), share, flat.min(0), flat.max(0), nets.rng)).reshape(x.shape).to(dtype)
        net.train(); opt.zero_grad()
        out = net(x); loss = F.cross_entropy(out, y); losses.append(loss.item())
        if guidance is not None:
            kl = F.kl_div(net(masked).log_softmax(1), out.log_softmax(1), log_target=True, reduction="batchmean"); kls.append(kl.item())
            loss = loss + guidance * kl
        loss.backward(); opt.step()
        if t == 0:
            total = float(sum((p.grad ** 2).sum() for p in net.parameters()) ** 0.5)
            grads = [nets.digest(p.grad) for p in net.parameters()]
            running = [nets.digest(v) for k, v in net.state_dict().items() if k.endswith(("running_mean", "running_var"))]
    few = lambda digests: {i: digests[i] for i in (0, 1, len(digests) // 2, len(digests) - 2, len(digests) - 1)}
    return dict(net=name, seed=seed, size=size, batch=batch, lr=lr, share=share, guidance=guidance, losses=losses, total=total,
                grads=few(grads), running=few(running)), kls


# Batches and rates at which the comparison is well posed: float32 (printed) stays within 1e-4 of float64, as no ReLU stands
# at its corner in the first batch; the usual training is 3e-3 and more away.
trainings = []
for args in [("resnet18", 30, 48, 8, 5, 5e-6, 0.5, 8), ("efficientnet_b0", 10, 40, 6, 3, 2e-5, 0.3, 4)]:
    (made, kls), (plain, _), (single, _) = training(*args), training(*args[:-1], None), training(*args, torch.float32)
    made["standard"] = plain["losses"]
    off = np.abs(np.subtract(single["losses"], made["losses"]))
    print(args, "KL", np.round(kls, 3), "loss", np.round(made["losses"], 4), "standard", np.round(plain["losses"], 4), "float32 off by", off)
    trainings.append(made)

class Compact(torch.nn.Module):
    def __init__(self, side):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 64, 5, 2, 2, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(64)
        self.conv2 = torch.nn.Conv2d(64, 64, 3, 2, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(64)
        self.dropout = nets.Dropout(0.5)
        self.fc = torch.nn.Linear(64 * (side // 4) ** 2, nets.CLASSES)

    def forward(self, x):
        x = torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))
        return self.fc(self.dropout(torch.flatten(x, 1)))


def drawn(seed, *dims): return (4 * np.random.RandomState(seed).random_sample(dims) - 2).astype(np.float32).astype(float)


def genes(n, d, seen, pixels, batch, epochs, lr, share, guidance, dtype=torch.float64):
    x, mean, slope = drawn([61], n, d), drawn([62], len(seen)), (0.1 + 0.05 * drawn([63], len(seen))).astype(np.float32).astype(float)
    codes = np.arange(n) % nets.CLASSES
    net = Compact(16); nets.fill(net); net.to(dtype)
    opt = torch.optim.Adam(net.parameters(), lr)
    low, high = x[:, seen].min(0), x[:, seen].max(0)

    def paint(e):
        v = ((e[:, seen] - torch.tensor(mean, dtype=dtype)) * torch.tensor(slope, dtype=dtype) + 0.5).clip(0, 1)
        sums = torch.zeros(len(e), 64, dtype=dtype).index_add(1, torch.tensor(pixels), v)
        image = (sums / torch.tensor(np.maximum(np.bincount(pixels, minlength=64), 1), dtype=dtype)).reshape(-1, 1, 8, 8)
        image = image.repeat_interleave(2, 2).repeat_interleave(2, 3).expand(-1, 3, -1, -1)
        return image + (torch.round(image * 255) / 255 - image).detach()

    losses, kls = [], []
    for epoch in range(1, epochs + 1):
        order, total = np.random.RandomState([71, 6, epoch]).permutation(n), 0
        for step in range(-(-n // batch)):
            rows = order[step * batch:(step + 1) * batch]
            e, y = torch.tensor(x[rows], dtype=dtype), torch.tensor(codes[rows])
            nets.rng = np.random.RandomState([71, 6, epoch, step + 1])
            if guidance is not None:
                net.eval(); leaf = e.clone().requires_grad_()
                g, = torch.autograd.grad(net(paint(leaf))[range(len(rows)), y].sum(), leaf)
                other = x[rows].copy()
                other[:, seen] = mask_least(x[rows][:, seen], g.double().numpy()[:, seen], share, low, high, nets.rng)
                masked = paint(torch.tensor(other.astype(np.float32), dtype=dtype))
            net.train(); opt.zero_grad()
            answer = net(paint(e)); loss = F.cross_entropy(answer, y); total += loss.item() * len(rows)
            if guidance is not None:
                kl = F.kl_div(net(masked).log_softmax(1), answer.log_softmax(1), log_target=True, reduction="batchmean"); kls.append(kl.item())
                loss = loss + guidance * kl
            loss.backward(); opt.step()
        losses.append(total / n)
    return losses, kls, nets.digest(dict(net.named_parameters())["conv2.weight"]), x


case = (20, 14, [0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13], [3, 9, 9, 20, 27, 28, 35, 36, 44, 50, 61, 63], 8, 3, 1e-4, 0.4, 2)
(losses, kls, weights, _), (plain, *_), (single, *_) = genes(*case), genes(*case[:-1], None), genes(*case, torch.float32)
print("genes: KL", np.round(kls, 3), "loss", losses, "standard", plain, "float32 off by", np.abs(np.subtract(single, losses)))
byGenes = dict(zip("samples genes seen pixels batch epochs lr share guidance".split(), case)) | dict(losses=losses, standard=plain, weights=weights)

out = dict(byGenes=byGenes, divergences=divergences, masks=masks, trainings=trainings)
text = "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in out.items()) + "\n}\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/guided.json"), "w").write(text)
print(len(text), "bytes")
