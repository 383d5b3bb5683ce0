"""Oracle of the training options (test/train/{criterion,class-weights,schedule,adam,options}.test.ts) by PyTorch and
scikit-learn, in float64: the loss with class weights and label smoothing, balanced class weights, learning-rate schedules
step by step, AdamW on given gradients, and whole trainings with validation.

Everything that is drawn comes from numpy's RandomState, which cellhue reproduces, so that the fixture holds results alone.
Usage: python test/oracles/training.py   (writes test/fixtures/training.json). Needs: torch, torchvision,
efficientnet-lite-pytorch, scikit-learn, numpy.
"""
import json, os
import numpy as np, torch
from sklearn.utils.class_weight import compute_class_weight
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
import nets

torch.set_default_dtype(torch.float64)


def draw(seed, *dims): return 2 * np.random.RandomState(seed).random_sample(dims) - 1


# --- the loss: logits are 4 · draw([1, case]) as float32
losses = []
for codes, classes, weights, smoothing in [
    ([0, 3, 3, 1, 2], 4, None, 0), ([0, 3, 3, 1, 2], 4, [0.5, 2, 1.25, 0.875], 0), ([0, 3, 3, 1, 2], 4, None, 0.1),
    ([0, 3, 3, 1, 2], 4, [0.5, 2, 1.25, 0.875], 0.1), ([1, 1, 1], 3, [3, 0.2, 1], 0.3), ([2], 3, [0.3, 1, 7], 0.05),
    ([0, 1, 0], 2, [1, 0], 0), ([0, 0, 1, 0], 2, [0.7, 1.9], 1), ([0, 0], 1, [3], 0.2), ([7, 0, 7, 3, 11], 12, None, 0.4)]:
    z = torch.tensor((4 * draw([1, len(losses)], len(codes), classes)).astype(np.float32).astype(float), requires_grad=True)
    w = None if weights is None else torch.tensor(weights, dtype=float)
    loss = torch.nn.CrossEntropyLoss(weight=w, label_smoothing=smoothing)(z, torch.tensor(codes)); loss.backward()
    losses.append(dict(codes=codes, classes=classes, weights=weights, smoothing=smoothing, loss=loss.item(), grad=z.grad.ravel().tolist()))

# --- balanced class weights
balanced = []
for codes in [[0, 1], [0, 0, 0, 1], [2, 0, 1, 1, 1, 0, 2, 2, 2], [0], [1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]]:
    weights = compute_class_weight("balanced", classes=np.unique(codes), y=np.array(codes))
    balanced.append(dict(codes=codes, weights=weights.tolist()))


# --- schedules, stepped after every batch
def scheduler(name, opt, lr, steps):
    if name == "cosine": return CosineAnnealingLR(opt, T_max=steps)
    if name == "one-cycle": return OneCycleLR(opt, max_lr=lr, total_steps=steps, cycle_momentum=False)
    return torch.optim.lr_scheduler.ConstantLR(opt, factor=1)


schedules = []
for name in ["constant", "cosine", "one-cycle"]:
    for steps in [1, 2, 3, 4, 5, 10, 37]:
        opt = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], 3e-3)
        s, rates = scheduler(name, opt, 3e-3, steps), []
        for t in range(steps):
            rates.append(opt.param_groups[0]["lr"]); opt.step()
            if t < steps - 1: s.step()
        schedules.append(dict(schedule=name, lr=3e-3, steps=steps, rates=rates))

# --- 20 steps of AdamW: weight draw([2, 0]), gradient of step t draw([2, t]) (the first entry always 0), cosine schedule
adam = []
for decay in [0, 0.01, 2]:
    w = torch.nn.Parameter(torch.tensor(draw([2, 0], 3, 5).astype(np.float32).astype(float)))
    opt = torch.optim.AdamW([w], 1e-2, weight_decay=decay)
    s = CosineAnnealingLR(opt, T_max=20)
    for t in range(1, 21):
        g = draw([2, t], 3, 5).astype(np.float32).astype(float); g[0, 0] = 0
        w.grad = torch.tensor(g); opt.step(); s.step()
    m = opt.state[w]
    adam.append(dict(lr=1e-2, decay=decay, weight=w.detach().ravel().tolist(), m=m["exp_avg"].ravel().tolist(), v=m["exp_avg_sq"].ravel().tolist()))

# --- whole trainings on N images of noise, brighter by their class; the loop's shuffles and masks
N, SIZE, SEEDS = 30, 64, [42, 1, 0]
CODES = np.array([0, 1, 0, 2, 0, 3, 4, 0, 1, 0] * 3)
BYTES = np.floor(128 * np.random.RandomState(3).random_sample((N, SIZE, SIZE, 3))) + 12 * CODES[:, None, None, None]
ROWS, VALIDATION = [i for i in range(N) if i % 4 != 1], [i for i in range(N) if i % 4 == 1]


def batch(rows): return torch.tensor(np.float32(BYTES[rows] / 255).astype(float)).permute(0, 3, 1, 2), torch.tensor(CODES[rows])


def training(name, k):
    net, _ = nets.make(name, SIZE); net.double()
    classifier = {"resnet18": ["fc"], "efficientnet_b0": ["classifier"], "efficientnet_lite0": ["_dropout", "_fc"]}[name]
    frozen = k["freeze"] == "backbone"
    if frozen: net.requires_grad_(False)
    for part in classifier: getattr(net, part).requires_grad_(True)

    def training_mode():
        net.train(not frozen)
        for part in classifier: getattr(net, part).train()

    opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], k["lr"], weight_decay=k["weightDecay"])
    steps = -(-len(ROWS) // k["batch"])
    s = scheduler(k["schedule"], opt, k["lr"], k["epochs"] * steps)
    weights = None
    if k["classWeights"] == "balanced":
        weights = torch.tensor(compute_class_weight("balanced", classes=np.arange(nets.CLASSES), y=CODES[ROWS]))
    criterion = torch.nn.CrossEntropyLoss(weight=weights, label_smoothing=k["labelSmoothing"])
    history, states = [], []
    for epoch in range(1, k["epochs"] + 1):
        order = np.random.RandomState([*SEEDS, epoch]).permutation(len(ROWS))
        training_mode(); total = 0
        for step in range(steps):
            nets.rng = np.random.RandomState([*SEEDS, epoch, step + 1])
            x, y = batch(np.array(ROWS)[order[step * k["batch"]: (step + 1) * k["batch"]]])
            opt.zero_grad(); loss = criterion(net(x), y); loss.backward(); opt.step()
            if (epoch, step + 1) != (k["epochs"], steps): s.step()
            total += loss.item() * len(y)
        net.eval()
        with torch.no_grad():
            x, y = batch(VALIDATION); z = net(x)
            history.append(dict(loss=total / len(ROWS), validationLoss=criterion(z, y).item(),
                                validationAccuracy=(z.argmax(1) == y).double().mean().item()))
            states.append(z.softmax(1).ravel().tolist())
    best = int(np.argmin([h["validationLoss"] for h in history]))
    return dict(net=name, settings=k, history=history, bestEpoch=best + 1, probabilities=states[best])


plain = dict(epochs=3, batch=8, schedule="constant", weightDecay=0, labelSmoothing=0, classWeights="none", freeze="none")
trainings = [
    ("resnet18", dict(lr=2e-4, schedule="one-cycle", weightDecay=100, labelSmoothing=0.1, classWeights="balanced")),
    ("resnet18", dict(lr=5e-4, freeze="backbone", schedule="cosine", classWeights="balanced")),
    ("efficientnet_b0", dict(lr=1e-2, freeze="backbone", weightDecay=0.5)),
    ("efficientnet_lite0", dict(lr=1e-3, freeze="backbone", schedule="one-cycle", labelSmoothing=0.2)),
]
made = [training(name, {**plain, **k}) for name, k in trainings]
for t in made: print(t["net"], t["bestEpoch"], t["history"])
out = dict(losses=losses, balanced=balanced, schedules=schedules, adam=adam, trainings=made)
text = "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in out.items()) + "\n}\n"
open(os.path.join(os.path.dirname(__file__), "../fixtures/training.json"), "w").write(text)
print(len(text), "bytes")
