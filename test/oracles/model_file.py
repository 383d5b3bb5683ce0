"""Checks a run's model_final.onnx without cellhue: Python's onnxruntime is given the run's own input as anndata reads it.

Three peers: numpy for the way from expression to the distance (normalisation, projection, nearest training samples; once
more with a fifth of the genes set to NaN); the run's stored scores, distances and images; PyTorch for the net, on the images
that the model itself returns. The PyTorch net is built from final/weights.safetensors (torchvision's names; for
EfficientNet-Lite0, whose peer is efficientnet_lite_pytorch, tensors are taken in order). Not a part of `npm test`.
Usage: python test/oracles/model_file.py RUN_FOLDER   (exit code 1 where they disagree)
Needs: anndata, onnxruntime, torch, torchvision, efficientnet-lite-pytorch, safetensors, scipy, numpy.
"""
import csv, gzip, json, pathlib, sys

import anndata, numpy as np, onnxruntime, torch, torchvision
from efficientnet_lite_pytorch import EfficientNet as Lite
from safetensors import safe_open
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file
from scipy import sparse
from scipy.special import softmax

run = pathlib.Path(sys.argv[1])
record = json.loads((run / "run.json").read_text())
settings = record["settings"]
size = settings["size"]
classes = [c["name"] for c in record["classes"]]

session = onnxruntime.InferenceSession(str(run / "model_final.onnx"), providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
card = json.loads(metadata["cellhue"])
assert json.loads(metadata["labels"]) == card["labels"] == classes, "labels"
assert card["net"] == json.loads((run / "final/history.json").read_text())["net"], "net"

# expression in: the matrix as the file has it
data = anndata.read_h5ad(record["input"]["path"])
with open(run / "embedding.csv", newline="", encoding="utf-8") as f:
    samples = list(csv.DictReader(f))
rows = [int(s["row"]) for s in samples]
source = data.raw if settings["useRaw"] else data
x = source.X if settings["layer"] is None else data.layers[settings["layer"]]
x = np.ascontiguousarray((x.toarray() if sparse.issparse(x) else np.asarray(x))[rows], np.float32)
assert list(source.var_names) == card["genes"], "genes"


def outputs(expression):
    found = [session.run(None, {"expression": expression[i : i + 7]}) for i in range(0, len(expression), 7)]
    return dict(zip((o.name for o in session.get_outputs()), map(np.concatenate, zip(*found))))


failed = []


def compare(what, difference, most):
    print(f"{what}: largest difference {difference:.1e}")
    if not difference <= most:
        failed.append(what)


out = outputs(x)  # 7 at a time: a batch size that cellhue never uses
print(f"{card['net']}, {len(x)} samples x {x.shape[1]} genes, images of {size} px, {len(classes)} classes, "
      f"normalize {settings['normalize']}")

# numpy: normalisation, projection and distance
same_as = record["stages"]["folds"]["info"]["finalSameAs"]
key = "all" if settings["protocol"] == "published" else "final" if same_as is None else str(same_as)
fit = load_arrays(run / f"encoders/{key}/encoder.safetensors")
with safe_open(run / f"encoders/{key}/encoder.safetensors", "np") as f:
    about = json.loads(f.metadata()["about"])
with open(run / "genes.csv", newline="", encoding="utf-8") as f:
    shares = np.array([float(row["share"] or "nan") for row in csv.DictReader(f)])


def reference(expression):
    v = expression.astype(np.float64)
    if settings["normalize"] == "log1p-cp10k":
        total = np.nansum(v, 1, keepdims=True) / (1 - (np.isnan(v) * shares).sum(1, keepdims=True))
        v = np.log1p(v * 1e4 / total).astype(np.float32).astype(np.float64)
    if about["chosen"] is not None:
        v = v[:, about["chosen"]]
    v = np.nan_to_num(v / fit.get("gene_scale", np.float32(1)) - fit["gene_mean"], nan=0.0)
    scores = (v @ fit["loadings"].T.astype(np.float64)).astype(np.float32)
    gaps = scores[:, None].astype(np.float64) - fit["reference_scores"][None]
    near = np.sort((gaps**2).sum(2), 1)[:, : about["neighbours"]]
    return scores, np.sqrt(near.mean(1))


relative = lambda a, b: float((np.abs(a - b) / np.maximum(1, np.abs(b))).max())
stored = load_arrays(run / f"encoders/{key}/samples.safetensors")
scores, distance = reference(x)
compare("scores of numpy and of the run", relative(scores, stored["scores"].reshape(scores.shape)), 1e-4)
compare("distance of the model and of numpy", relative(out["distance"][:, 0], distance), 1e-4)
compare("distance of the model and of the run", relative(out["distance"][:, 0], stored["distance"]), 1e-6)
holes = x.copy()
holes[:, np.random.default_rng(1).permutation(x.shape[1])[: x.shape[1] // 5]] = np.nan
partial = outputs(holes)
compare("distance without a fifth of the genes, of the model and of numpy",
        relative(partial["distance"][:, 0], reference(holes)[1]), 1e-4)
print(f"without these genes the label is the same in {(partial['logits'].argmax(1) == out['logits'].argmax(1)).sum()}")

# the run's images; those of the published protocol are painted by another rule
if key != "all":
    with gzip.open(run / f"encoders/{key}/images.rgb.gz") as f:
        images = np.frombuffer(f.read(), np.uint8).reshape(len(x), size, size, 3)
    compare("image of the model and of the run", float(np.abs(out["image"] * 255 - images.transpose(0, 3, 1, 2)).max()), 1e-4)

# PyTorch: the net
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
with torch.no_grad():
    expected = net(torch.tensor(out["image"])).numpy()
compare(f"logits of the model and of PyTorch (largest {np.abs(expected).max():.2f})", relative(out["logits"], expected), 1e-4)
temperature = card["calibration"]["temperature"]
compare(f"probabilities and softmax at the temperature {temperature:.3g}",
        float(np.abs(out["probabilities"] - softmax(expected / temperature, 1)).max()), 1e-5)
right = sum(classes[c] == s["label"] for c, s in zip(out["logits"].argmax(1), samples))
print(f"right in {right} of {len(x)}, most of these being training samples")
print("failed: " + "; ".join(failed) if failed else "all agree")
sys.exit(1 if failed else 0)
