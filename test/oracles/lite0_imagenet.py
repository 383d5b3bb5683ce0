"""Oracle of test/net/lite0-imagenet.test.ts: EfficientNet-Lite0 with its ImageNet weights, by efficientnet_lite_pytorch.

Two things are frozen: the logits on two images by formula (exact to rounding), and the five best classes of each
picture in ../shared/weights/images. A picture's central square (7/8 of the short side) becomes 224×224 by the means of
blocks, which the test does in the same way: what is left between the two are the JPEG decoders' roundings.
Usage: python test/oracles/lite0_imagenet.py   (writes test/fixtures/lite0_imagenet.json). Needs: torch,
efficientnet-lite-pytorch, Pillow, numpy.
"""
import json, os, pathlib
import numpy as np, torch
from efficientnet_lite_pytorch import EfficientNet as Lite
from PIL import Image
from nets import digest, images

root = pathlib.Path(__file__).resolve().parents[2]
pictures = root / "../shared/weights/images"
labels = (pictures / "../imagenet_labels.txt").read_text().splitlines()[1:]  # the first is "background"
net = Lite.from_name("efficientnet-lite0")
net.load_state_dict(torch.load(root / "assets/weights/efficientnet-lite0-57934424.pth", weights_only=True))
net.eval()
MEAN, SD, SIZE = 127 / 255, 128 / 255, 224  # as the weights were trained (TensorFlow's EfficientNet-Lite)


def look(path):
    rgb = np.asarray(Image.open(path).convert("RGB"), np.float64)
    h, w, _ = rgb.shape
    side = min(h, w) * 7 // 8
    rgb = rgb[(h - side) // 2:, (w - side) // 2:][:side, :side]
    edges = [i * side // SIZE for i in range(SIZE + 1)]
    blocks = [(a, max(b, a + 1)) for a, b in zip(edges, edges[1:])]
    rows = np.stack([rgb[a:b].mean(0) for a, b in blocks])
    small = np.stack([rows[:, a:b].mean(1) for a, b in blocks], 1)
    return torch.tensor(((small / 255 - MEAN) / SD).transpose(2, 0, 1).astype(np.float32))


out = dict(mean=MEAN, sd=SD, pictures={})
with torch.no_grad():
    out["formula"] = [digest(z) for z in net(images(1, 2, 224, 224))]
    for path in sorted(pictures.iterdir()):
        z = net(look(path)[None])[0]
        best = z.topk(5).indices.tolist()
        out["pictures"][path.name] = dict(best=best, logits=[round(float(z[i]), 4) for i in best], label=labels[best[0]])
        print(path.name, [(labels[i].split(",")[0], round(float(z.softmax(0)[i]), 3)) for i in best])
json.dump(out, open(os.path.join(os.path.dirname(__file__), "../fixtures/lite0_imagenet.json"), "w"), indent=1)
