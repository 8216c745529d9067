"""tinycomp.toml: what commands take of it, what is refused, and what init proposes."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Refusal, needs_gcc, write_trained
from PIL import Image

import tinycomp.api
from tinycomp.cli.project_file import _commands
from tinycomp.report.record import read_report

MODEL = 'model = "model.tflite"\ndata = "data.npz"\n'


def write(text: str) -> None:
    Path("tinycomp.toml").write_text(text, encoding="utf-8")


def test_build_takes_its_options_from_the_file(run: Command, folder: Path) -> None:
    write(MODEL + '[build]\noutput = "out"\nname = "digits"\nno_verify = true\nno_bench = true\n')
    done = run("build")
    assert done.code == 0, done.err
    first = done.err.splitlines()[0]
    assert first == (
        "From tinycomp.toml: model model.tflite, data data.npz, output out, name digits, "
        "no_verify true, no_bench true."
    )
    report = read_report(folder / "out")
    assert report.model.name == "digits"
    assert report.verify == ()
    assert report.accuracy is not None


def test_the_command_line_wins(run: Command, folder: Path) -> None:
    write(MODEL + '[build]\noutput = "out"\nno_verify = true\nno_bench = true\nname = "digits"\n')
    done = run("build", "--name", "others", "-o", "elsewhere")
    assert done.code == 0, done.err
    assert "The command line gave output, name." in done.err
    assert read_report(folder / "elsewhere").model.name == "others"
    assert not (folder / "out").exists()


def test_a_table_wins_over_common_keys(run: Command, folder: Path) -> None:
    write(f'board = "nowhere"\n{MODEL}[inspect]\nboard = "uno"\n')
    done = run("inspect", "--json")
    assert done.code == 0, done.err
    assert '"board": "uno"' in done.out


@needs_gcc
def test_verify_takes_the_folder_of_build_but_not_its_board(run: Command, built: Path) -> None:
    write(f'board = "uno"\n{MODEL}[build]\noutput = "out"\n[verify]\nsamples = 3\n')
    done = run("verify")
    assert done.code == 0, done.err
    assert "From tinycomp.toml: data data.npz, samples 3, folder out." in done.err
    assert "3 samples" in done.out


def test_other_commands_and_help_do_not_read_it(run: Command, folder: Path) -> None:
    write("nonsense = 1\n")
    assert run("boards", "uno").code == 0
    assert run("build", "--help").code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'model = "m.tflite"\nbord = "uno"',
            "'tinycomp.toml', line 2: 'bord' is no option that commands have in common. "
            "Did you mean 'board'?",
        ),
        (
            "[build]\n\nsample = 3",
            "line 3: 'sample' is no option of tinycomp build. Did you mean 'samples'?",
        ),
        ("[buid]\nsamples = 3", "line 1: 'buid' is no option that commands have in common. Did "),
        ('output = "out"', "line 1: 'output' is no option that commands have in common"),
        ("[build]\nsamples = '8'", "line 2: 'samples' is '8'. Expected an integer."),
        ("[build]\nsamples = true", "'samples' is True. Expected an integer."),
        ("[build]\nsamples = 0", "'samples' is 0. Expected at least 1."),
        ("sparsity = 2", "'sparsity' is 2. Expected at most 0.9999."),
        ("board = 3", "'board' is 3. Expected a string."),
        ("[build]\nno_verify = 0", "'no_verify' is 0. Expected true or false."),
        ('optimize = "size"', "'optimize' is 'size'. Expected one of ram, speed, balanced, flash."),
        ("activations = 9", "'activations' is 9. Expected one of 8, 16."),
        ('input_scale = "1/0"', "'input_scale' is '1/0'."),
        ('[compress]\ntarget_bytes = "12 kg"', "'target_bytes' is '12 kg'."),
        ("build = 3", "line 1: 'build' is 3. Expected a table, [build]."),
        ("[build", "is not valid TOML"),
    ],
)
def test_what_is_wrong_with_it_is_named_with_its_place(
    text: str, message: str, refusal: Refusal, folder: Path
) -> None:
    write(text)
    assert message in refusal("build", "-o", "out")


def test_values_are_those_of_the_command_line(run: Command, folder: Path) -> None:
    """Fractions and amounts as text, numbers as numbers."""
    common = MODEL + 'activations = 8\ninput_scale = "2/2"\n'
    write(common + "[build]\nno_verify = true\nno_bench = true\n[compress]\ntarget_bytes = '12k'\n")
    done = run("build", "-o", "out")
    assert done.code == 0, done.err


COMMANDS = {
    name: parameters for name, parameters in _commands().items() if name not in ("inspect",)
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_thin_callers_of_the_functions(name: str) -> None:
    """The same options with the same defaults, except for ports, which are one parameter there."""
    from tinycomp.cli.app import app

    command = next(
        each.callback
        for each in app.registered_commands
        if each.callback is not None and each.callback.__name__ == name
    )
    ours = inspect.signature(command).parameters
    theirs = dict(inspect.signature(getattr(tinycomp.api, name)).parameters)
    ports = {"baud", "startup_timeout", "no_reset"}
    common = {"quiet", "verbose", "as_json"}
    only_there = {"command", "data_limit", "progress", "on_step", "on_candidate"}
    denied = {f"no_{key}" for key in ("verify", "bench") if f"no_{key}" in ours}
    for key in denied:
        assert ours[key].default is not theirs[key.removeprefix("no_")].default
    theirs = {key: each for key, each in theirs.items() if f"no_{key}" not in denied}
    assert {*ours} - ports - common - denied - {"folder"} == {*theirs} - only_there - {"build"}
    for key, parameter in ours.items():
        if key in theirs and parameter.default is not inspect.Parameter.empty:
            other = theirs[key].default
            if isinstance(other, tuple):
                assert (parameter.default or "") == ",".join(other)
            else:
                assert str(parameter.default) == str(other), key


def test_init_proposes_what_builds(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_trained(tmp_path, features=6, distance=2.0, units=4)
    done = run("init", "--board", "uno")
    assert done.code == 0, done.err
    assert "model.keras: float, (6,) to (2,), 32 MACs." in done.out
    assert "data.npz: 256 samples to calibrate, 64 to test, with labels." in done.out
    assert "uno: about " in done.out
    assert done.out.endswith("Next: tinycomp build\n")
    values = tomllib.loads(Path("tinycomp.toml").read_text())
    assert values == {
        "model": "model.keras",
        "data": "data.npz",
        "board": "uno",
        "build": {"output": "out"},
        "compress": {"output": "model_small.tflite"},
        "search": {"output": "search"},
    }
    built = run("build", "--no-verify", "--no-bench")
    assert built.code == 0, built.err
    assert read_report(tmp_path / "out").board == "uno"


@pytest.mark.parametrize("labelled", [True, False])
def test_init_proposes_no_build_that_is_refused(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labelled: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    write_trained(tmp_path, features=300, distance=2.0, units=400)
    if not labelled:
        np.savez("data.npz", x=np.load("data.npz")["x_train"])
    done = run("init", "--board", "uno")
    assert done.code == 0, done.err
    assert "too large without compression" in done.out
    proposed = done.out.split("Next: ")[1].strip()
    larger = "another board (tinycomp boards lists them)"
    assert proposed == (f"tinycomp compress, or {larger}" if labelled else larger)


def test_init_replaces_nothing_without_force(run: Command, refusal: Refusal, folder: Path) -> None:
    write("[mine]\n")
    assert "'tinycomp.toml' exists." in refusal("init")
    done = run("init", "--force")
    assert done.code == 0, done.err
    text = Path("tinycomp.toml").read_text()
    assert 'model = "model.tflite"' in text
    assert "quantized" in text
    assert "[compress]" not in text  # it can't be trained


def test_init_proposes_a_scale_for_pixels(run: Command, folder: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (12, 6, 5, 3)).astype(np.uint8)
    np.savez("data.npz", x=x)
    done = run("init")
    assert done.code == 0, done.err
    assert "samples are 0 to 255: if it was trained on 0 to 1, uncomment input_scale" in done.out
    text = Path("tinycomp.toml").read_text().replace("# input_scale", "input_scale")
    write(text)
    assert run("build", "-o", "out", "--no-verify", "--no-bench").code == 0


def test_init_finds_folders_of_samples(run: Command, folder: Path) -> None:
    Path("data.npz").unlink()
    for name in "abcde":
        picture = Path("photos", name, "1.png")
        picture.parent.mkdir(parents=True)
        Image.fromarray(np.full((6, 5, 3), 25 * ord(name) % 256, np.uint8)).save(picture)
    Path("notes").mkdir()
    done = run("init")
    assert done.code == 0, done.err
    assert tomllib.loads(Path("tinycomp.toml").read_text())["data"] == "photos"


def test_init_says_that_a_float_model_needs_data(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_trained(tmp_path, features=6, distance=2.0, units=4)
    Path("data.npz").unlink()
    done = run("init", "--board", "uno")
    assert done.code == 0, done.err
    assert done.out.endswith("Next: add data to tinycomp.toml, then tinycomp build\n")


def test_init_asks_for_names_where_it_must_choose(refusal: Refusal, folder: Path) -> None:
    Path("other.csv").write_text("a,b\n1,2\n")
    assert "holds 2 files or folders of data: data.npz, other.csv. Name one" in refusal("init")
    Path("other.tflite").write_bytes(Path("model.tflite").read_bytes())
    assert "holds 2 models: model.tflite, other.tflite." in refusal("init")
    for path in Path().glob("*.tflite"):
        path.unlink()
    assert "holds no model." in refusal("init")


def test_all_problems_of_a_file_are_named_at_once(refusal: Refusal, folder: Path) -> None:
    write(f'{MODEL}bord = "uno"\n[build]\nsample = 3\nsamples = "many"\n')
    said = refusal("build")
    assert "(1) line 3: 'bord' is no option" in said
    assert "line 5: 'sample' is no option" in said
    assert "line 6: 'samples' is" in said
