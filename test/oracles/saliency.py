"""Oracle of test/explain/saliency.test.ts: captum's Saliency on nets with weights by formula (see nets.py).

Usage: python test/oracles/saliency.py   (writes test/fixtures/saliency.json). Needs: torch, torchvision, captum, numpy.
"""
import json, os
import torch
from captum.attr import Saliency
from nets import digest, images, make

CODES = [3, 0, 4]
SEED = dict(resnet18=1, efficientnet_b0=1)
out = {}
for name, seed in SEED.items():
    def attribute(dtype):
        net, _ = make(name, 64); net.eval().to(dtype)
        x = images(seed, 3, 64, 64).to(dtype).requires_grad_()
        return net(x).detach(), Saliency(net).attribute(x, target=torch.tensor(CODES), abs=True)
    logits, a = attribute(torch.float64)
    single = attribute(torch.float32)[1]
    print(name, "PyTorch float32 against float64:", float((a - single).norm() / a.norm()))
    # absolute gradients of each sample, and the published map: their maximum over the channels
    out[name] = dict(seed=seed, codes=CODES, absolute=[digest(s) for s in a], maps=[digest(s.amax(0)) for s in a])
json.dump(out, open(os.path.join(os.path.dirname(__file__), "../fixtures/saliency.json"), "w"))
