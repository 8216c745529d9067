"""PyTorch's own files: by way of ONNX where PyTorch is installed; what is pickled is refused."""

from __future__ import annotations

import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_runs import assert_close, run

from tinycomp.common.errors import ModelError
from tinycomp.frontend.torch import read_torch
from tinycomp.reading import clean_up, read_model


def archive(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(f"model/{name}", b"")
    return path


class Harmful:
    """Says so where it is unpickled."""

    def __reduce__(self) -> Any:
        return print, ("unpickled",)


@pytest.mark.parametrize("suffix", ["pt", "pth"])
def test_pickled_weights_are_refused(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"model.{suffix}"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/data.pkl", pickle.dumps(Harmful()))
    with pytest.raises(ModelError) as error:
        read_model(path)
    assert "holds pickled weights or a pickled module: loading it could run code" in str(
        error.value
    )
    assert "torch.onnx.export(model.eval(), (example,), 'model.onnx')" in str(error.value)
    assert capsys.readouterr().out == ""


def test_an_early_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps({"weight": [1.0]}))
    with pytest.raises(ModelError, match=r"is no archive of torch.export or torch.jit"):
        read_torch(path)


def test_no_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    path = archive(tmp_path / "model.pt2", "models/model.json")
    with pytest.raises(ModelError, match=r"pip install 'tinycomp\[torch\]', or export"):
        read_torch(path)


@pytest.fixture(scope="session")
def torch() -> Any:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: extra [torch]")
    return pytest.importorskip("torch", reason="torch is not installed: extra [torch]")


def network(torch: Any) -> Any:
    nn = torch.nn
    parts = [nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2)]
    return nn.Sequential(*parts).eval()


@pytest.mark.parametrize("kind", ["program", "script"])
def test_exported_models(kind: str, torch: Any, tmp_path: Path) -> None:
    model, example = network(torch), torch.zeros(1, 3, 7, 7)
    path = tmp_path / ("model.pt2" if kind == "program" else "model.pt")
    if kind == "program":
        torch.export.save(torch.export.export(model, (example,)), str(path))
    else:
        torch.jit.save(torch.jit.trace(model, example), str(path))
    x = np.random.default_rng(1).uniform(-2, 2, (3, 3, 7, 7)).astype(np.float32)
    expected = model(torch.tensor(x)).detach().numpy()
    assert_close(run(clean_up(read_model(path)), np.moveaxis(x, 1, -1)), expected)


def test_a_scripted_module_has_no_shape(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.jit.save(torch.jit.script(network(torch)), str(path))
    with pytest.raises(ModelError, match="does not say the shape of its input"):
        read_torch(path)
