"""Runs the Python example of docs/predict.md, as it stands there, on a model and a file, and compares it with what
`cellhue predict` says of them: labels, and probabilities and distances within 1e-5. Not a part of `npm test`.
Usage, from the repository root after `npm run build`: python test/oracles/predict_docs.py MODEL.onnx NEW.h5ad
(exit code 1 where they disagree). The file's genes must have the model's very names; some may be missing.
Needs: anndata, onnxruntime.
"""
import csv, json, os, re, subprocess, sys, tempfile

model, new = (os.path.abspath(path) for path in sys.argv[1:3])
root = os.getcwd()
main = re.search(r"```python\n(.*?)```", open("docs/predict.md", encoding="utf-8").read(), re.S)[1]

with tempfile.TemporaryDirectory() as folder:
    os.symlink(model, f"{folder}/model_final.onnx")
    os.symlink(new, f"{folder}/new.h5ad")
    example = subprocess.run([sys.executable, "-W", "ignore", "-c", main], cwd=folder, capture_output=True, text=True)
    assert example.returncode == 0, example.stderr
    args = ["node", f"{root}/dist/cli/main.js", "predict", "model_final.onnx", "new.h5ad", "--min-overlap", "0", "--json"]
    done = subprocess.run(args, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with open(f"{folder}/new.cellhue.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))

lines = example.stdout.splitlines()
assert len(lines) == len(rows) > 0
largest = 0.0
for line, row in zip(lines, rows):
    front, p, d = line.rsplit(" ", 2)
    assert front == f"{row['sample']} {row['predicted']}", (line, row)
    largest = max(largest, abs(float(p) - float(row["confidence"])), abs(float(d) / float(row["distance"]) - 1))
summary = json.loads(done.stdout)
print(f"{len(rows)} samples, {summary['genes']['overlap']} of {summary['genes']['model']} genes: "
      f"the same labels, largest difference {largest:.1e}")
sys.exit(0 if largest < 1e-5 else 1)
