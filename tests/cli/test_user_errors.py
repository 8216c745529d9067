"""User errors: exit code 2, one paragraph that names the problem and what to try,
nothing written.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Refusal, change, needs_gcc, tree, write_large
from conformance import cases_of
from float_graphs import float_graph

from tinycomp.device import firmware_build
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops.add import Add
from tinycomp.quantization.export import write_tflite
from tinycomp.target.boards import list_boards, load_board
from tinycomp.target.toolchain import is_available

BUILD = ("build", "model.tflite", "-o", "out")
QUICK = ("--no-verify", "--no-bench")


def test_no_model(folder: Path, refusal: Refusal) -> None:
    text = refusal("build", "absent.tflite", "-o", "out")
    assert text == "There is no model file 'absent.tflite'. Check the path."


def test_a_folder_instead_of_a_model(folder: Path, refusal: Refusal) -> None:
    (folder / "saved_model").mkdir()
    wanted = "Expected a model file, or a SavedModel: a folder with saved_model.pb in it."
    text = refusal("build", "saved_model", "-o", "out")
    assert text == f"'saved_model' is a folder, not a model. {wanted} Name the file in the folder."
    (folder / "saved_model" / "1").mkdir()
    (folder / "saved_model" / "1" / "saved_model.pb").touch()
    text = refusal("build", "saved_model", "-o", "out")
    assert text.endswith(f"{wanted} Name the folder '{Path('saved_model') / '1'}'.")


def test_an_unsupported_file_type(folder: Path, refusal: Refusal) -> None:
    (folder / "model.caffemodel").write_bytes(b"caffe")
    text = refusal("build", "model.caffemodel", "-o", "out")
    assert text.startswith("'model.caffemodel' is not a supported kind of model. Expected .keras")
    assert "model.save('model.keras')" in text


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9])
def test_a_truncated_tflite(share: float, folder: Path, refusal: Refusal) -> None:
    whole = (folder / "model.tflite").read_bytes()
    (folder / "cut.tflite").write_bytes(whole[: int(share * len(whole))])
    assert "cut" in refusal("build", "cut.tflite", "-o", "out")


def test_a_text_file_instead_of_a_tflite(folder: Path, refusal: Refusal) -> None:
    (folder / "text.tflite").write_text("a model for microcontrollers\n")
    assert "'text' is not a .tflite file" in refusal("build", "text.tflite", "-o", "out")


@pytest.mark.parametrize("command", [("build", "-o", "out"), ("inspect",)])
def test_a_pointer_of_git_lfs(command: tuple[str, ...], folder: Path, refusal: Refusal) -> None:
    (folder / "away.tflite").write_text("version https://git-lfs.github.com/spec/v1\nsize 12\n")
    text = refusal(command[0], "away.tflite", *command[1:])
    assert text == "'away.tflite' is a pointer of Git LFS, not the model itself. Run git lfs pull."
    saved = folder / "saved"
    saved.mkdir()
    shutil.move(folder / "away.tflite", saved / "saved_model.pb")
    text = refusal(command[0], "saved", *command[1:])
    assert "'saved/saved_model.pb' is a pointer of Git LFS" in text


def test_a_model_of_more_than_4_gigabytes(folder: Path, refusal: Refusal) -> None:
    with (folder / "huge.tflite").open("wb") as file:
        file.truncate((1 << 32) + 1)
    for command in (("build", "-o", "out"), ("inspect",)):
        text = refusal(command[0], "huge.tflite", *command[1:])
        assert text.startswith("'huge.tflite' is larger than 4 GB. Expected a model for micro")
    (folder / "huge.tflite").unlink()


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("m.joblib", "Loading a pickled file could run code. Save a scikit-learn model with"),
        ("frozen.pb", "Name the folder of a SavedModel; a frozen graph becomes .onnx by"),
        ("m.safetensors", "Weights alone do not say the layers."),
    ],
)
def test_files_of_other_kinds(name: str, advice: str, folder: Path, refusal: Refusal) -> None:
    (folder / name).write_bytes(b"0")
    assert advice in refusal("build", name, "-o", "out")


def test_inspect_of_a_folder_that_is_neither_build_nor_model(
    folder: Path, refusal: Refusal
) -> None:
    (folder / "things").mkdir()
    text = refusal("inspect", "things")
    assert text.startswith("'things' is neither the folder of a build nor a SavedModel.")
    assert "Expected report.json in it, as 'tinycomp build' writes it, or saved_model.pb." in text


@pytest.mark.parametrize("name", ["broken.keras", "broken.h5"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04half", b"\x89HDF\r\n\x1a\nhalf", b"text"])
def test_a_broken_keras_file(name: str, content: bytes, folder: Path, refusal: Refusal) -> None:
    (folder / name).write_bytes(content)
    assert name in refusal("build", name, "-o", "out", "--data", "data.npz")


def test_an_archive_without_a_model(folder: Path, refusal: Refusal) -> None:
    with zipfile.ZipFile(folder / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "no model")
    text = refusal("build", "other.keras", "-o", "out", "--data", "data.npz")
    assert "other.keras is no Keras model: it has no config.json" in text


def test_a_float_model_without_data(folder: Path, refusal: Refusal) -> None:
    """A model that can't be read is refused first, as samples would not help."""
    (folder / "broken.keras").write_bytes(b"no archive")
    graph = float_graph(cases_of("fully_connected")[0].graph)
    (folder / "float.tflite").write_bytes(write_tflite(graph))
    for command in (("build",), ("quantize",)):
        assert "given" not in refusal(*command, "broken.keras", "-o", "out")
        text = refusal(*command, "float.tflite", "-o", "out")
        assert "'float.tflite' is a float model, and --data was not given" in text
        assert "Expected an .npz" in text
        assert text.endswith("Add --data samples.npz.")


def test_a_missing_data_file(folder: Path, refusal: Refusal) -> None:
    text = refusal(*BUILD, "--data", "absent.npz")
    assert text.startswith("There is no data file 'absent.npz'.")
    (folder / "float.keras").write_bytes(b"not even read")
    assert text == refusal("build", "float.keras", "-o", "out", "--data", "absent.npz")


def test_data_that_is_not_an_archive(folder: Path, refusal: Refusal) -> None:
    (folder / "text.npz").write_text("text")
    assert "'text.npz'" in refusal(*BUILD, "--data", "text.npz")


BAD_DATA: dict[str, tuple[dict[str, Array], str]] = {
    "shape": ({"x": np.zeros((4, 5, 5, 3))}, r"(4, 5, 5, 3)"),
    "type": ({"x": np.array([["a"]])}, "'x'"),
    "empty": ({"x": np.zeros((0, 6, 5, 3), np.float32)}, "'x'"),
    "constant": ({"x": np.ones((4, 6, 5, 3), np.float32)}, "All 4 samples of 'x' are the same"),
    "NaN": ({"x": np.full((4, 6, 5, 3), np.nan)}, "NaN or infinite"),
    "names": ({"images": np.zeros((4, 6, 5, 3))}, "--x-key"),
    "class names": (
        {"x": np.eye(90).reshape(90, 6, 5, 3), "class_names": np.array("a,b")},
        "'a,b'",
    ),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_data_that_does_not_fit(name: str, folder: Path, refusal: Refusal) -> None:
    arrays, named = BAD_DATA[name]
    np.savez(folder / "bad.npz", **arrays)
    text = refusal(*BUILD, "--data", "bad.npz")
    assert "'bad.npz'" in text
    assert named in text


def test_class_names_that_do_not_match_the_outputs(folder: Path, refusal: Refusal) -> None:
    x = np.eye(90).reshape(90, 6, 5, 3)
    np.savez(folder / "bad.npz", x=x, class_names=np.array(["a", "b"]))
    text = refusal(*BUILD, "--data", "bad.npz", notes=1)
    assert text.startswith("class_names holds 2 names, but the model has 5 outputs. Expected one")


def test_as_many_labels_as_samples_before_the_model_is_read(folder: Path, refusal: Refusal) -> None:
    (folder / "float.keras").write_bytes(b"not even read")
    np.savez(folder / "bad.npz", x=np.eye(90).reshape(90, 6, 5, 3), y=np.zeros(3, int))
    text = refusal("build", "float.keras", "-o", "out", "--data", "bad.npz")
    assert "Array 'y' has the shape (3,), but 'x' holds 90 samples. Expected one label" in text


def test_a_folder_in_the_place_of_a_file(folder: Path, refusal: Refusal) -> None:
    (folder / "things").mkdir()
    (folder / "things" / "notes.txt").write_text("text")
    text = refusal(*BUILD, "--data", "things")
    assert text.startswith("'things' is a folder without samples: it holds notes.txt. Expected")


@pytest.mark.parametrize("option", ["--label-column", "--labels"])
def test_options_of_other_formats(option: str, folder: Path, refusal: Refusal) -> None:
    text = refusal(*BUILD, "--data", "data.npz", option, "1")
    assert text.startswith(f"{option} is for a")
    assert "not for 'data.npz'" in text


def test_labels_of_another_kind_never_stop_a_build(folder: Path, run: Command) -> None:
    x = np.eye(90).reshape(90, 6, 5, 3)
    for y, note in (
        (np.full(90, 7), "labels run from 7 to 7, but the model knows 5 classes."),
        (None, "there are no labels."),
    ):
        np.savez(folder / "odd.npz", x=x, **({} if y is None else {"y": y}))
        done = run(*BUILD, "--data", "odd.npz", "--force", *QUICK)
        assert done.code == 0
        err = " ".join(done.err.split())
        assert f"Not scored: {note}" in err
        assert err.count("Not scored") == 1, err
        assert "top-1" not in done.out


def test_an_unknown_board(folder: Path, refusal: Refusal) -> None:
    text = refusal(*BUILD, "--board", "cortex-m9")
    assert "cortex-m9" in text
    assert all(board.name in text for board in list_boards())


def test_a_bad_board_file(folder: Path, refusal: Refusal) -> None:
    (folder / "mine.toml").write_text('title = "Mine"\nclocks = 8\n')
    text = refusal(*BUILD, "--board", "mine.toml")
    assert "mine.toml" in text
    assert "clocks" in text


def test_an_output_that_exists(folder: Path, refusal: Refusal) -> None:
    (folder / "out").mkdir()
    text = refusal(*BUILD)
    assert text.startswith("Output folder out exists.")
    assert "--force" in text
    (folder / "file").write_text("mine")
    for force in ((), ("--force",)):
        assert "file is a file" in refusal("build", "model.tflite", "-o", "file", *force)


def test_an_output_inside_a_file(folder: Path, refusal: Refusal) -> None:
    (folder / "file").write_text("mine")
    text = refusal("build", "model.tflite", "-o", "file/out", *QUICK)
    assert text.startswith("'file/out' can't be written: '")


def test_library_only_needs_a_build_of_the_same_board_and_name(
    built: Path, refusal: Refusal
) -> None:
    build = ("build", "model.tflite", *QUICK, "--library-only")
    assert "There is no folder 'absent'" in refusal(*build, "-o", "absent")
    text = refusal(*build, "-o", "out", "--board", "cortex-m4")
    assert text.startswith("'out' was built for host, and --library-only keeps its project.")
    text = refusal(*build, "-o", "out", "--name", "other")
    assert text.startswith("'out' holds no library other, and --library-only adds none.")


def test_library_only_keeps_edits(built: Path, refusal: Refusal) -> None:
    (built / "out" / "library" / "model.c").write_text("mine")
    text = refusal("build", "model.tflite", "-o", "out", *QUICK, "--library-only")
    assert "not as tinycomp wrote them: library/model.c. Nothing was written." in text


def test_force_keeps_foreign_files(folder: Path, run: Command, refusal: Refusal) -> None:
    quick = (*BUILD, *QUICK, "--force")
    (folder / "out").mkdir()
    (folder / "out" / "notes.txt").write_text("mine")
    assert run(*quick).code == 0
    assert (folder / "out" / "notes.txt").read_text() == "mine"
    assert (folder / "out" / "library" / "model.h").is_file()
    (folder / "out" / "library" / "model.h").write_text("edited")
    text = refusal(*quick)
    assert "library/model.h" in text
    assert "Nothing was written" in text


@pytest.mark.skipif(not is_available(load_board("uno").compiler), reason="gcc-avr is not installed")
def test_a_model_too_large_for_the_board(folder: Path, refusal: Refusal) -> None:
    write_large(folder / "large.tflite")
    text = refusal("build", "large.tflite", "-o", "out", "--board", "uno", code=3)
    assert text.startswith("The model does not fit uno (Arduino UNO")
    assert "Flash, code not counted: needs 41,6" in text
    assert "bytes, has 29,696, over by 11,9" in text
    assert "The largest array: needs 40,000 bytes, has 32,767, over by 7,233." in text
    assert "--codebook-bits" in text
    assert "Boards that it fits, the smallest first: " in text


def test_a_bad_recipe(folder: Path, refusal: Refusal) -> None:
    recipe = folder / "recipe.toml"
    assert "Recipe 'recipe.toml' can't be read" in refusal(*BUILD, "--recipe", "recipe.toml")
    recipe.write_text("codebook_bits = 4\nsparsty = 0.5\n")
    text = refusal(*BUILD, "--recipe", "recipe.toml")
    assert "key 'sparsty' is not known" in text
    assert "Did you mean 'sparsity'?" in text
    recipe.write_text("codebook_bits = \n")
    assert "is not valid TOML" in refusal(*BUILD, "--recipe", "recipe.toml")
    recipe.write_text('[layers."conv9*"]\ncodebook_bits = 4\n')
    assert "'conv9*'" in refusal(*BUILD, "--recipe", "recipe.toml")


@pytest.mark.parametrize("model", ["model.tflite", "float.keras"])
def test_an_unknown_calibration_method(model: str, folder: Path, refusal: Refusal) -> None:
    """Also if there is nothing to calibrate: options are never ignored silently."""
    (folder / "float.keras").write_bytes(b"not even read")
    text = refusal("build", model, "-o", "out", "--data", "data.npz", "--calibration", "mean")
    assert (
        text
        == "There is no calibration method 'mean'. Expected one of: " + text.split("one of: ")[1]
    )
    assert "min-max" in text


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--codebook-bits", "9"),
        ("--sparsity", "1.5"),
        ("--samples", "0"),
        ("--no-such-option",),
        ("--board",),
    ],
    ids=" ".join,
)
def test_wrong_options(arguments: tuple[str, ...], folder: Path, run: Command) -> None:
    """Messages of Typer."""
    before = tree(folder)
    done = run("build", "model.tflite", *(("-o", "out") if arguments else ()), *arguments)
    assert (done.code, done.out) == (2, "")
    assert (arguments[0] if arguments else "--output") in done.err
    assert tree(folder) == before


@pytest.mark.parametrize("command", ["verify", "bench"])
def test_a_folder_without_a_build(command: str, folder: Path, refusal: Refusal) -> None:
    (folder / "other").mkdir()
    text = refusal(command, "other")
    assert "'other' holds no report.json" in text
    assert "tinycomp build" in text


@pytest.mark.parametrize("command", ["verify", "bench"])
def test_no_folder(command: str, folder: Path, refusal: Refusal) -> None:
    assert "'absent'" in refusal(command, "absent")
    assert "model.tflite" in refusal(command, "model.tflite")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '"text"', "null", "\udcff"])
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_a_damaged_report(command: str, content: str, built: Path, refusal: Refusal) -> None:
    (built / "out" / "report.json").write_bytes(content.encode(errors="surrogateescape"))
    assert "report.json' can't be read" in refusal(command, "out")


OTHER = {"layers": [{"x": 1}], "model": [], "ram": {"arena": 1}, "verify": 3}


@pytest.mark.parametrize("key", OTHER)
def test_a_report_with_other_content(key: str, built: Path, refusal: Refusal) -> None:
    path = built / "out" / "report.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, key: OTHER[key]}))
    assert "report.json' can't be read" in refusal("inspect", "out")


@pytest.mark.parametrize("command", ["verify", "bench"])
def test_a_different_model_than_the_build(command: str, built: Path, refusal: Refusal) -> None:
    path = built / "out" / "model.tflite"
    tampered = bytearray(path.read_bytes())
    tampered[-1] ^= 1
    path.write_bytes(tampered)
    assert "'out/model.tflite' is not the model that this folder was built from" in refusal(
        command, "out"
    )
    path.unlink()
    assert "'out' holds no model.tflite" in refusal(command, "out")


@needs_gcc
def test_a_build_without_its_library(built: Path, refusal: Refusal) -> None:
    for path in (built / "out" / "library").glob("*.c"):
        path.unlink()
    text = refusal("verify", "out")
    assert "'out'" in text
    assert "Build the model again" in text


@needs_gcc
def test_bench_on_a_board_without_a_clock(built: Path, refusal: Refusal) -> None:
    text = refusal("bench", "out")
    assert text.startswith("Nothing can be timed on host here.")
    assert "--board cortex-m4" in text


def test_bench_on_a_different_kind_of_board(built: Path, refusal: Refusal) -> None:
    for command in ("bench", "verify"):
        text = refusal(command, "out", "--board", "uno")
        assert text.startswith("'out' was built for host; on uno weights must be copied")
        assert text.endswith("Build it with --board uno.")


@needs_gcc
def test_a_port_that_does_not_exist(built: Path, refusal: Refusal) -> None:
    assert "/dev/ttyNONE7" in refusal("verify", "out", "--port", "/dev/ttyNONE7")


def test_data_for_verify(built: Path, refusal: Refusal) -> None:
    assert "'absent.npz'" in refusal("verify", "out", "--data", "absent.npz")


def test_quantize_does_not_overwrite_files(folder: Path, refusal: Refusal, run: Command) -> None:
    (folder / "q.tflite").write_text("mine")
    assert "'q.tflite' exists" in refusal("quantize", "model.tflite", "-o", "q.tflite")
    assert "There is no folder 'sub'" in refusal("quantize", "model.tflite", "-o", "sub/q.tflite")
    (folder / "sub").mkdir()
    assert "'sub' is a folder" in refusal("quantize", "model.tflite", "-o", "sub", "--force")
    assert run("quantize", "model.tflite", "-o", "q.tflite", "--force").code == 0
    assert (folder / "q.tflite").read_bytes() == (folder / "model.tflite").read_bytes()


def test_simulate_does_not_overwrite_files(folder: Path, refusal: Refusal, run: Command) -> None:
    simulate = ("simulate", "model.tflite", "--data", "data.npz", "-o")
    (folder / "y.npz").write_text("mine")
    assert "'y.npz' exists" in refusal(*simulate, "y.npz")
    assert "There is no folder 'sub'" in refusal(*simulate, "sub/y.npz")
    assert run(*simulate, "y.npz", "--force").code == 0
    with np.load(folder / "y.npz") as written:
        assert written["output"].shape == (12, 5)


def test_inspect_of_a_missing_file(folder: Path, refusal: Refusal) -> None:
    assert "absent.tflite" in refusal("inspect", "absent.tflite")
    assert "'data.npz' is not a supported kind" in refusal("inspect", "data.npz")


def test_differing_executions_stop_a_build(
    folder: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Add.reference

    def wrong(self: Add, operands: Operands, inputs: list[Array]) -> Array:
        values = right(self, operands, inputs)
        values[:, 2, 0, 4] ^= 64
        return values

    monkeypatch.setattr(Add, "reference", wrong)
    monkeypatch.setattr(firmware_build, "host_available", lambda: False)
    text = refusal(*BUILD, notes=1, code=1)
    assert text.startswith("Executions differ: sample 0, layer 'add' (add), tensor 'add' at [2, 0,")
    assert "litert" in text
    assert "simulator" in text


@needs_gcc
def test_verify_of_a_modified_library(built: Path, run: Command) -> None:
    """Not a user error: exit code 1, and the location of the difference."""
    assert run("verify", "out").code == 0
    high_byte_of_the_first_start = r"(_conv_2d_constants\[\d+\] = {\s+(?:\d+, ){9})\d+"
    change(built / "out" / "library" / "model_weights.c", high_byte_of_the_first_start, r"\g<1>99")
    done = run("verify", "out")
    assert done.code == 1
    assert (
        "sample 0, layer 'conv_2d' (conv_2d), tensor 'conv_2d' at [0, 0, 0]: litert" in done.words
    )
    assert "host" in done.words
