"""Everything but training works without Keras and TensorFlow; what takes an extra names it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest
from command_line import write_trained

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("esptool", "jax", "keras", "onnx", "sklearn", "tensorflow", "tensorly", "torch")
WITHOUT = f"""
import sys

HEAVY = {HEAVY!r}


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Absent())

from tinycomp.cli.main import main

main()
"""


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.keras, model.h5, data.npz."""
    import keras

    folder = tmp_path_factory.mktemp("trained")
    write_trained(folder, 8, 1.0, 6)
    with warnings.catch_warnings():  # Keras uses what NumPy 2 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        keras.models.load_model(folder / "model.keras").save(folder / "model.h5")
    return folder


@pytest.mark.slow
def test_builds_are_verified_without_keras(trained: Path) -> None:
    """A .keras and an .h5 file, and the .tflite that the first one becomes: equal models."""
    quantized = run(trained, "quantize", "model.keras", "--data", "data.npz", "-o", "model.tflite")
    assert quantized.returncode == 0, quantized.stderr
    hashes = set()
    for model in ("model.keras", "model.h5", "model.tflite"):
        out = f"out{Path(model).suffix}"
        options = ("--board", "host", "--data", "data.npz", "--no-bench")
        done = run(trained, "build", model, *options, "-o", out)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        header = (trained / out / "library" / "model.h").read_text()
        hashes.update(re.findall(r"define MODEL_MODEL_HASH (.*)", header))
    assert len(hashes) == 1


TRAINING = "[training]\nepochs = 1\n[[steps]]\ntechnique = 'int8'\n"
LACKING = "which is not installed (keras). pip install 'tinycomp[keras]'"
MISSING: dict[str, tuple[tuple[str, ...], str]] = {
    "compress": (
        ("compress", "model.keras", "--data", "data.npz", "--recipe", "r.toml", "-o", "out.tflite"),
        f"Training takes Keras, {LACKING}",
    ),
    "keras": (
        ("compress", "model.keras", "--data", "data.npz", "--recipe", "r.toml", "-o", "out.keras"),
        f"Writing a .keras file takes Keras, {LACKING}",
    ),
    "search": (
        ("search", "model.keras", "--data", "data.npz", "--board", "host", "-o", "found"),
        f"tinycomp search takes Keras, {LACKING}",
    ),
    "saved_model": (
        ("build", "saved", "--data", "data.npz", "--board", "host", "-o", "out"),
        "Reading a SavedModel takes TensorFlow, which is not installed (tensorflow). pip install "
        "'tinycomp[keras]'",
    ),
    "onnx": (
        ("build", "model.onnx", "--data", "data.npz", "--board", "host", "-o", "out"),
        "Reading an ONNX file takes the package 'onnx', which is not installed. pip install "
        "'tinycomp[onnx]'",
    ),
    "demo": (("demo", "-o", "digits"), "scikit-learn is not installed. Run: pip install"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_extra_is_named(name: str, trained: Path) -> None:
    arguments, text = MISSING[name]
    (trained / "r.toml").write_text(TRAINING)
    (trained / "model.onnx").write_bytes(b"")
    (trained / "saved").mkdir(exist_ok=True)
    (trained / "saved" / "saved_model.pb").write_bytes(b"")
    done = run(trained, *arguments)
    assert done.returncode in (2, 4), done.stderr
    assert "Traceback" not in done.stderr
    assert text in " ".join(done.stderr.split())
    assert name != "compress" or "Reading" not in done.stderr  # it is checked first


def test_no_module_needs_an_extra_to_be_imported(tmp_path: Path) -> None:
    every = """
import importlib, pkgutil, tinycomp
for module in pkgutil.walk_packages(tinycomp.__path__, "tinycomp."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    script = WITHOUT.split("from tinycomp.cli")[0] + every
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_declared() -> None:
    """Heavy packages are extras; `all` has every extra but those of developers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {re.split("[><=]", line)[0] for line in project["dependencies"]}
    assert not core & {*HEAVY, "optuna"}
    extras = project["optional-dependencies"]
    (whole,) = extras["all"]
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in extras.keys() - {"dev", "docs"}:
        assert f"`{name}`" in readme or f".[{name}]" in readme, name
    assert whole == f"tinycomp[{','.join(sorted(extras.keys() - {'all', 'dev', 'docs'}))}]"
