"""Oracle of saliency-guided training (test/train/{mask-salient,guided}.test.ts, test/graph/kl-divergence.test.ts).

- divergence: torch.nn.functional.kl_div(log_softmax(q), log_softmax(p), log_target=True, reduction="batchmean") and its
  gradients by both, float64.
- masks: the least salient features by numpy's stable argsort; draws by RandomState, one a feature.
- trainings: the authors' loop (github.com/ayaabdelsalam91/saliency_guided_training) in PyTorch, float64: model.eval() and the
  gradient of the true logits, masking, model.train(), model(x) and then model(masked), cross-entropy + guidance · KL with
  the gradient through both answers, Adam. It masks single channels by the gradient's size, as cellhue does. Weights, images
  and masks come from numpy's RandomState, as in nets.py.
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

out = dict(divergences=divergences, masks=masks, trainings=trainings)
text = "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in out.items()) + "\n}\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/guided.json"), "w").write(text)
print(len(text), "bytes")
