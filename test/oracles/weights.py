"""Fixtures of test/net/weights: what torch, safetensors, torchvision and timm say.

Run from the repo root: bench/peers/.venv/bin/python test/oracles/weights.py
Writes test/fixtures/weights.json (values, names and shapes) and small files in test/fixtures/weights/.
timm is needed once to freeze its names (`pip download timm --no-deps`, unzip, put on PYTHONPATH); without it the
frozen ones are kept.
"""

import collections
import io
import json
import os
import pathlib
import pickle
import sys

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
import torchvision

HERE = pathlib.Path("test/fixtures")
FILES = HERE / "weights"
FILES.mkdir(parents=True, exist_ok=True)
torch.manual_seed(7)


def values(state):
    """name -> [dims, float32 values], NaN and infinities as text."""
    out = {}
    for name, t in state.items():
        flat = t.detach().to(torch.float32).reshape(-1).tolist()
        out[name] = [list(t.shape), [v if np.isfinite(v) else str(v) for v in flat]]
    return out


def dtypes():
    x = torch.tensor([[0.1, -2.5, 65504.0], [6.1e-5, 5.96e-8, 3.3e38]], dtype=torch.float64)
    return collections.OrderedDict(
        f64=x,
        f32=x.float(),
        f16=torch.tensor([1.0, -0.0, 6.1e-5, 5.96e-8, 65504.0, float("inf"), float("-inf"), float("nan")]).half(),
        bf16=torch.tensor([1.0, -3.140625, 1e-40, 3.3e38, float("nan")]).bfloat16(),
        i64=torch.tensor([0, -1, 2**53 + 1, -(2**62)]),
        i32=torch.tensor([2**31 - 1, -(2**31)], dtype=torch.int32),
        i16=torch.tensor([-32768, 32767], dtype=torch.int16),
        i8=torch.tensor([-128, 127], dtype=torch.int8),
        u8=torch.tensor([0, 255], dtype=torch.uint8),
        boolean=torch.tensor([True, False, True]),
        scalar=torch.tensor(3.5),
        empty=torch.zeros(0, 3),
    )


def strided():
    base = torch.randn(5, 7)
    big = torch.randn(4, 3, 6)
    return collections.OrderedDict(
        {
            "whole": base,
            "transposed": base.t(),
            "column": base[:, 3],
            "block": base[1:4, 2:6],
            "step": base[::2, 1::3],
            "permuted": big.permute(2, 0, 1),
            "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
            "expanded": torch.randn(3, 1).expand(3, 4),
            "one": big[1, 2, 3],
        }
    )


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.bn = torch.nn.BatchNorm2d(3)
        self.fc = torch.nn.Linear(3, 2)
        self.tied = torch.nn.Linear(3, 2)
        self.tied.weight = self.fc.weight


def small():
    torch.manual_seed(3)
    m = Small()
    with torch.no_grad():
        m.bn(torch.randn(4, 3, 5, 5))
    return m


def write(name, obj, **options):
    torch.save(obj, FILES / name, **options)


class Evil:
    def __reduce__(self):
        return (os.system, ("touch /tmp/cellhue-was-run",))


class EvalEvil:
    def __reduce__(self):
        return (eval, ("__import__('os').getcwd()",))


def main():
    expected = {}
    cases = {"dtypes": dtypes(), "strided": strided(), "module": small().state_dict()}
    # Parameters themselves, not detached as state_dict() gives them.
    cases["parameters"] = collections.OrderedDict(small().named_parameters(remove_duplicate=False))
    for name, state in cases.items():
        write(f"{name}.zip.pth", state)
        write(f"{name}.legacy.pth", state, _use_new_zipfile_serialization=False)
        expected[name] = values(state)
    assert hasattr(cases["module"], "_metadata")
    m = small()
    for protocol in (3, 4, 5):
        write(f"module.protocol{protocol}.pth", m.state_dict(), pickle_protocol=protocol)
    optimizer = torch.optim.Adam(m.parameters())
    m.fc(m.bn(m.conv(torch.randn(2, 2, 3, 3))).flatten(1)).sum().backward()
    before = {k: v.clone() for k, v in m.state_dict().items()}
    optimizer.step()
    after = m.state_dict()
    checkpoint = {"epoch": 3, "state_dict": after, "optimizer": optimizer.state_dict(), "lr": 0.1, "note": None}
    write("wrapped.zip.pth", checkpoint)
    write("wrapped.legacy.pth", checkpoint, _use_new_zipfile_serialization=False)
    write("wrapped_model.zip.pth", {"model": {f"module.{k}": v for k, v in after.items()}})
    expected["wrapped"] = values(after)
    assert any(not torch.equal(before[k], after[k]) for k in before)
    for name, evil in (("system", Evil()), ("eval", EvalEvil())):
        state = {"fc.weight": torch.zeros(2), "evil": evil}
        write(f"evil_{name}.zip.pth", state)
        write(f"evil_{name}.legacy.pth", state, _use_new_zipfile_serialization=False)
        write(f"evil_{name}.protocol4.pth", state, pickle_protocol=4)
    # torch's own second loader inside of a pickle, which runs a nested pickle unchecked.
    inner = io.BytesIO()
    torch.save({"x": Evil()}, inner)

    class Nested:
        def __reduce__(self):
            return (torch.storage._load_from_bytes, (inner.getvalue(),))

    write("evil_nested.zip.pth", {"x": Nested()})
    write("whole_module.zip.pth", torch.nn.Linear(2, 2))
    with open(FILES / "plain.pkl", "wb") as f:
        pickle.dump({"a": [1, 2]}, f, protocol=2)
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(FILES / "script.pt"))
    write("complex.zip.pth", {"z": torch.zeros(2, dtype=torch.complex64)})
    write("list.zip.pth", [torch.zeros(2)])

    state = {k: v.contiguous().clone() for k, v in dtypes().items()}
    state["u16"] = torch.tensor([0, 65535], dtype=torch.uint16)
    state["u32"] = torch.tensor([2**32 - 1], dtype=torch.uint32)
    safetensors.torch.save_file(state, FILES / "dtypes.safetensors", metadata={"format": "pt", "über": 'a"b'})
    expected["safetensors"] = values(state)
    f8 = {"x": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    safetensors.torch.save_file(f8, FILES / "float8.safetensors")
    # Same type throughout and sorted names: Python's writer keeps this order, so the bytes must be equal.
    own = {
        "0": np.array([1.5, -2.0], np.float32),
        "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b \"quoted\" ü": np.array(0.25, np.float32),
        "c": np.zeros((0, 3), np.float32),
    }
    (FILES / "written.safetensors").write_bytes(safetensors.numpy.save(own, metadata={"a": "1"}))

    # Names and shapes, in torchvision's order, without the batch counters.
    shapes = {}
    for net in ("resnet18", "efficientnet_b0"):
        state = getattr(torchvision.models, net)().state_dict()
        shapes[net] = [[k, list(v.shape)] for k, v in state.items() if not k.endswith("num_batches_tracked")]

    # What the constructors draw: [name, elements, mean, sd, largest] of each parameter of a new network.
    torch.manual_seed(11)
    drawn = {}
    for net in ("resnet18", "efficientnet_b0", "mobilenet_v2", "squeezenet1_1"):
        drawn[net] = [
            [k, v.numel(), *(float(f"{m.item():.6g}") for m in (v.mean(), v.std(correction=0), v.abs().max()))]
            for k, v in getattr(torchvision.models, net)().named_parameters()
        ]

    # The two layouts of EfficientNet list the same layers in the same order: pairs by position, shapes must agree.
    path = HERE / "weights.json"
    frozen = json.loads(path.read_text()) if path.exists() else {}
    try:
        import timm

        other = timm.create_model("efficientnet_b0")
        ours = torchvision.models.efficientnet_b0()
        pairs = list(zip(other.state_dict(), ours.state_dict(), strict=True))
        torch.manual_seed(5)
        with torch.no_grad():
            for p in other.parameters():
                p.normal_(0, 0.2)
            for name, b in other.named_buffers():
                if name.endswith("var"):
                    b.uniform_(0.5, 2)
                elif name.endswith("mean"):
                    b.normal_(0, 0.2)
        source = other.state_dict()
        ours.load_state_dict({b: source[a] for a, b in pairs})
        x = torch.rand(2, 3, 64, 64)
        with torch.no_grad():
            a, b = other.eval()(x), ours.eval()(x)
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-4 * a.abs().max().item()), "the layouts differ in function"
        timm_pairs = [[a, b] for a, b in pairs if not a.endswith("num_batches_tracked")]
        assert list(timm.create_model("resnet18").state_dict()) == list(torchvision.models.resnet18().state_dict())
    except ImportError:
        print("timm is not installed: its frozen names are kept", file=sys.stderr)
        timm_pairs = frozen["timmPairs"]

    # EfficientNet-Lite0 of the package: sums in the file's order, which is also the order of the network's layers.
    lite = torch.load("assets/weights/efficientnet-lite0-57934424.pth", weights_only=True)
    lite_sums = [
        [k, list(v.shape), v.double().sum().item(), v.double().abs().sum().item(), v.reshape(-1)[-1].item()]
        for k, v in lite.items()
        if not k.endswith("num_batches_tracked")
    ]
    path.write_text(
        json.dumps(
            {
                "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__},
                "values": expected,
                "shapes": shapes,
                "drawn": drawn,
                "timmPairs": timm_pairs,
                "lite0": lite_sums,
            }
        )
    )
    total = sum(f.stat().st_size for f in FILES.iterdir())
    print(path, path.stat().st_size, "bytes;", FILES, total, "bytes")


main()
