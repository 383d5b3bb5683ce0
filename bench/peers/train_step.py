"""Peer of bench/train-step.mjs: one training step (batch upload, forward, backward, Adam, loss fetched) in PyTorch.

usage: train_step.py NET BATCH SIZE CLASSES — then one line on stdin a step; answers with a JSON line of seconds by
memory format. NET is torchvision's name, or efficientnet_lite0 (efficientnet-lite-pytorch).
"""
import json, sys, time
import numpy as np, torch, torchvision

name, batch, size, classes = sys.argv[1], *map(int, sys.argv[2:5])
torch.manual_seed(0)
torch.set_num_threads(2)
x, y = np.random.rand(batch, 3, size, size).astype(np.float32), torch.randint(0, classes, (batch,))


def trainer(memory_format):
    if name == "efficientnet_lite0":
        from efficientnet_lite_pytorch import EfficientNet
        net = EfficientNet.from_name("efficientnet-lite0", num_classes=classes, image_size=size)
    else:
        net = getattr(torchvision.models, name)(num_classes=classes)
    net = net.to(memory_format=memory_format).train()
    opt = torch.optim.Adam(net.parameters(), 1e-4)

    def step():
        began = time.perf_counter()
        images = torch.from_numpy(x.copy()).to(memory_format=memory_format)
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images), y)
        loss.backward()
        opt.step()
        loss.item()
        return time.perf_counter() - began

    return step


steps = dict(contiguous=trainer(torch.contiguous_format), channels_last=trainer(torch.channels_last))
for step in steps.values():
    for _ in range(2): step()
print(json.dumps(dict(torch=torch.__version__, threads=torch.get_num_threads())), flush=True)
for _ in sys.stdin:
    print(json.dumps({k: step() for k, step in steps.items()}), flush=True)
