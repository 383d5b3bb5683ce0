"""Checks a run's model_final.onnx without cellhue: Python's onnxruntime against PyTorch on the run's own images.

The PyTorch net is built from final/weights.safetensors (torchvision's names; for EfficientNet-Lite0, whose peer is
efficientnet_lite_pytorch, tensors are taken in order). Not a part of `npm test`.
Usage: python test/oracles/model_file.py RUN_FOLDER   (exit code 1 where they disagree)
Needs: onnxruntime, torch, torchvision, efficientnet-lite-pytorch, safetensors, Pillow, numpy.
"""
import csv, json, pathlib, sys
import numpy as np, onnxruntime, torch, torchvision
from efficientnet_lite_pytorch import EfficientNet as Lite
from PIL import Image
from safetensors.torch import load_file

run = pathlib.Path(sys.argv[1])
record = json.loads((run / "run.json").read_text())
folders = {c["name"]: c["folder"] for c in record["classes"]}
classes = [c["name"] for c in record["classes"]]
size = record["settings"]["size"]

session = onnxruntime.InferenceSession(str(run / "model_final.onnx"), providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
card = json.loads(metadata["cellhue"])
assert json.loads(metadata["labels"]) == card["labels"] == classes, "labels"
assert card["net"] == json.loads((run / "final/history.json").read_text())["net"], "net"

tensors = load_file(run / "final/weights.safetensors")
if card["net"] == "efficientnet_lite0":
    net = Lite.from_name("efficientnet-lite0", num_classes=len(classes), image_size=size)
    # ours are named by torchvision's scheme: a stage's block, its layers in the order in which they act
    def place(name):
        parts = name.split(".")
        last = dict(weight=0, bias=1, running_mean=2, running_var=3)[parts[-1]]
        return (parts[0] == "classifier", *map(int, (p for p in parts[1:-1] if p != "block")), last)
    own = sorted(tensors, key=place)
    theirs = [k for k in net.state_dict() if not k.endswith("num_batches_tracked")]
    assert len(own) == len(theirs)
    assert all(tensors[a].shape == net.state_dict()[b].shape for a, b in zip(own, theirs)), "order of tensors"
    missing = net.load_state_dict({b: tensors[a] for a, b in zip(own, theirs)}, strict=False).missing_keys
    assert all(k.endswith("num_batches_tracked") for k in missing), missing
else:
    net = getattr(torchvision.models, card["net"])(num_classes=len(classes))
    missing = net.load_state_dict(tensors, strict=False)
    assert not missing.unexpected_keys and all(k.endswith("num_batches_tracked") for k in missing.missing_keys), missing
net.eval()

with open(run / "embedding.csv", newline="", encoding="utf-8") as f: samples = list(csv.DictReader(f))
def picture(s):
    with Image.open(run / "benchmarking" / folders[s["label"]] / f"sample_{s['row']}.png") as image:
        return np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1) / 255
images = np.stack([picture(s) for s in samples])
assert images.shape[1:] == (3, size, size), images.shape

largest = spread = 0.0; same = right = 0
for first in range(0, len(images), 7):  # a batch size that cellhue never uses
    x = images[first:first + 7]
    logits, probabilities = session.run(["logits", "probabilities"], {"image": x})
    with torch.no_grad(): expected = net(torch.tensor(x)).numpy()
    largest = max(largest, float(np.abs(logits - expected).max())); spread = max(spread, float(np.abs(expected).max()))
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    same += int((logits.argmax(1) == expected.argmax(1)).sum())
    right += sum(classes[p] == s["label"] for p, s in zip(logits.argmax(1), samples[first:first + 7]))
print(f"{card['net']}, {len(images)} images of {size} px, {len(classes)} classes: largest difference of logits {largest:.2e} "
      f"(largest logit {spread:.2f}); the same class in {same}; right in {right}, these being the training images")
sys.exit(0 if largest < 1e-4 * max(1, spread) and same == len(images) else 1)
