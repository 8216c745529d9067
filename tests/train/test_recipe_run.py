"""Runs recipes: from a Keras file and an .npz to a small int8 model."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_graphs import run
from small_networks import SHAPE, task

from tinycomp.common.errors import DataError, ModelError, OutputError, TinycompError
from tinycomp.common.progress import Silent
from tinycomp.emit.folder import write_file
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.options.compress import CompressOptions, Targets
from tinycomp.quantization.export import compression_of
from tinycomp.reading import clean_up, read_model
from tinycomp.recipes.compression import Compressed, compress, compress_to
from tinycomp.recipes.measure import bits
from tinycomp.reducing import reduce
from tinycomp.report.record import StepRecord
from tinycomp.train.loop import DivergedError


@dataclass
class Files:
    """A trained model, its data, and cached results by options."""

    folder: Path
    known: dict[str, Compressed] = field(default_factory=dict)

    def options(self, steps: str, **others: Any) -> CompressOptions:
        recipe = self.folder / f"{abs(hash(steps))}.toml"
        recipe.write_text(steps)
        return CompressOptions(
            self.folder / "model.keras", self.folder / "data.npz", recipe=str(recipe),
            board="host", **others,
        )  # fmt: skip

    def run(self, steps: str, **others: Any) -> Compressed:
        key = repr((steps, others))
        if key not in self.known:
            self.known[key] = compress(self.options(steps, **others), Silent(), ignore)
        return self.known[key]


def ignore(record: StepRecord) -> None:
    """Ignore the record."""


def save(model: Any, path: Path) -> None:
    with warnings.catch_warnings():  # Keras uses what NumPy 2 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    import keras

    folder = tmp_path_factory.mktemp("recipes")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    x, y = task(768)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x[:512], y[:512], epochs=6, verbose=0)
    save(model, folder / "model.keras")
    np.savez(folder / "data.npz", x_train=x[:512], y_train=y[:512], x_test=x[512:], y_test=y[512:])
    return Files(folder)


RATE = "[training]\nepochs = 8\nbatch = 8\n[[steps]]\ntechnique = 'rate'\n"
PRUNED = """
[training]
epochs = 2
batch = 32
[[steps]]
technique = "prune"
sparsity = 0.6
every = 4
[[steps]]
technique = "int8"
[[steps]]
technique = "post_training"
codebook_bits = 4
granularity = "layer"
"""


def weights(found: Compressed) -> list[np.ndarray]:
    graph = reduce(parse_tflite(found.prepared.tflite, "small"), Silent())
    return [
        graph.constants[node.inputs[1]].values
        for node in graph.nodes
        if node.op.weight_axis is not None
    ]


def test_a_record_after_each_step(files: Files) -> None:
    found = files.run(PRUNED)
    assert [each.name for each in found.steps] == ["int8 alone", "prune", "int8", "post_training"]
    whole, pruned, rounded, clustered = found.steps
    assert whole.constants > pruned.constants > clustered.constants
    assert whole.bits > pruned.bits
    assert rounded.non_zeros <= pruned.non_zeros < 0.45 * whole.non_zeros
    assert clustered.bits < 4
    assert all(each.score is not None and each.score > 0.85 for each in found.steps)
    assert found.real is not None
    assert found.small is not None
    assert found.small.samples == 256
    assert found.small.value > found.real.value - 0.03


def test_the_output_agrees_with_the_last_record(files: Files) -> None:
    found = files.run(PRUNED)
    stored = weights(found)
    assert sum(np.count_nonzero(each) for each in stored) == found.steps[-1].non_zeros
    assert all(len(np.unique(each)) <= 16 for each in stored)
    assert bits(stored) == pytest.approx(found.steps[-1].bits)
    assert compression_of(found.prepared.tflite)["steps"][0]["sparsity"] == 0.6


def test_a_recipe_that_saves_no_bytes_says_why(files: Files) -> None:
    progress = Silent()
    trained = "[training]\nepochs = 1\nbatch = 64\n[[steps]]\ntechnique = 'int8'\n"
    first, last = compress(files.options(trained), progress, ignore).steps
    assert last.constants > 0.98 * first.constants
    (note,) = [note for note in progress.notes if "in int8 alone:" in note]
    assert f"{last.constants:,} bytes, and {first.constants:,} in" in note
    assert "none of the steps asks for fewer" in note


@pytest.mark.slow
def test_the_size_target_is_met_and_used(files: Files) -> None:
    free = files.run(RATE)
    target = int(0.6 * free.steps[-1].constants)  # below what plain codebooks take
    longer = RATE.replace("epochs = 8", "epochs = 20")
    held = files.run(longer, targets=Targets(target))
    sizes = [each.constants for each in held.steps[1:]]
    chosen = [size for size in sizes if size <= target]
    assert chosen
    assert chosen[0] > 0.6 * target
    assert held.small is not None
    assert held.small.value > 0.9


def test_impossible_bytes_are_refused_before_training(files: Files) -> None:
    with pytest.raises(TinycompError, match=r"10 bytes are not possible: even without weights"):
        compress(files.options(RATE, targets=Targets(10)), Silent(), ignore)
    with pytest.raises(TinycompError, match="needs a recipe that ends with a step 'rate'"):
        compress(files.options(PRUNED, targets=Targets(1000)), Silent(), ignore)


CHANNELS = "[training]\nbatch = 32\n[[steps]]\ntechnique = 'channels'\nmultiple = 4\n"


def test_work_is_a_target_too(files: Files) -> None:
    whole = files.run(CHANNELS).steps[0].macs
    found = files.run(CHANNELS, targets=Targets(macs=int(0.4 * whole)))
    assert 0.25 * whole < found.steps[-1].macs <= 0.4 * whole
    with pytest.raises(TinycompError, match=r"--target-macs needs a recipe .* low_rank, tucker"):
        compress(files.options(RATE, targets=Targets(macs=1000)), Silent(), ignore)
    with pytest.raises(TinycompError, match=r"can't be reached"):
        compress(files.options(CHANNELS, targets=Targets(macs=10)), Silent(), ignore)


@pytest.mark.slow
def test_flash_counts_code_too(files: Files) -> None:
    free = files.run(RATE).steps[-1]
    assert free.code is not None
    target = free.code + int(0.8 * free.constants)
    last = files.run(RATE.replace("epochs = 8", "epochs = 20"), targets=Targets(flash=target))
    assert last.steps[-1].code is not None
    assert last.steps[-1].code + last.steps[-1].constants <= target


def test_impossible_sizes_are_refused(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TinycompError, match="--target-bytes and --target-flash can't be combined"):
        Targets(constants=1000, flash=2000)
    with pytest.raises(TinycompError, match=r"even without weights .* code, biases, multipliers"):
        compress(files.options(RATE, targets=Targets(flash=500)), Silent(), ignore)
    with pytest.raises(TinycompError, match=r"--target-flash needs a recipe that ends with a step"):
        compress(files.options(PRUNED, targets=Targets(flash=5000)), Silent(), ignore)
    monkeypatch.setattr("tinycomp.recipes.measure.is_available", lambda compiler: False)
    with pytest.raises(TinycompError, match=r"counts code, and the compiler of board 'host'"):
        compress(files.options(RATE, targets=Targets(flash=5000)), Silent(), ignore)


def test_an_accuracy_that_is_not_reached_is_an_error(files: Files, tmp_path: Path) -> None:
    steps = RATE.replace("epochs = 8", "epochs = 1")
    drawn = np.random.default_rng(0).integers(0, 3, 512)  # nothing can be learned of them
    options = changed(files, steps, tmp_path, y_train=drawn)
    with pytest.raises(TinycompError, match=r"not reached: .* bytes at .*%; .* at least 90\.00%"):
        compress(replace(options, targets=Targets(accuracy=0.9)), Silent(), ignore)


@pytest.mark.slow
def test_a_stopped_run_resumes_to_the_same_bytes(files: Files, tmp_path: Path) -> None:
    steps = PRUNED.replace("epochs = 2", "epochs = 1")
    expected = files.run(steps)

    def stop(record: StepRecord) -> None:
        if record.name == "prune":
            raise KeyboardInterrupt

    options = files.options(steps, checkpoints=tmp_path / "states")
    with pytest.raises(KeyboardInterrupt):
        compress(options, Silent(), stop)
    before = (tmp_path / "states" / "step-1.npz").stat().st_mtime_ns
    found = compress(options, Silent(), ignore)
    assert found.prepared.tflite == expected.prepared.tflite
    assert (tmp_path / "states" / "step-1.npz").stat().st_mtime_ns == before
    with pytest.raises(TinycompError, match="belongs to another training run"):
        compress(replace(options, seed=5), Silent(), ignore)


def test_a_teacher_is_imitated_and_must_have_the_same_shapes(files: Files) -> None:
    import keras

    other = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(2)])
    path = files.folder / "other.keras"
    save(other, path)
    with pytest.raises(ModelError, match=r"The teacher .* to \(2,\), the model .* to \(3,\)"):
        compress(files.options(RATE, teacher=path), Silent(), ignore)


def changed(files: Files, steps: str, folder: Path, **arrays: Any) -> CompressOptions:
    with np.load(files.folder / "data.npz") as archive:
        np.savez(folder / "data.npz", **{**archive, **arrays})
    return replace(files.options(steps), data=folder / "data.npz")


def test_labels_that_do_not_fit_are_refused(files: Files, tmp_path: Path) -> None:
    labels = np.arange(512) % 7
    with pytest.raises(DataError, match=r"has no usable labels\. Not scored: .*docs/data\.md"):
        compress(changed(files, RATE, tmp_path, y_train=labels), Silent(), ignore)


def test_a_nan_loss_is_an_error(files: Files) -> None:
    steps = RATE.replace("batch = 8", "batch = 8\ntemperature = 1e-38")
    with pytest.raises(DivergedError, match=r"The loss is (nan|inf) in epoch 1, step 1"):
        compress(files.options(steps), Silent(), ignore)


def test_data_without_halves_are_split(files: Files, tmp_path: Path) -> None:
    x, y = task(250)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    steps = RATE.replace("epochs = 8", "epochs = 1")
    progress = Silent()
    options = replace(files.options(steps), data=tmp_path / "data.npz")
    found = compress(options, progress, ignore)
    assert found.small is not None
    assert found.small.samples == 50
    assert "One in 5 samples is reserved for testing: 50 of 250." in progress.notes


def test_an_unwritable_output_is_saved_elsewhere(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinycomp.recipes import compression
    from tinycomp.recipes import output as module

    output, fallback = tmp_path / "small.tflite", tmp_path / "elsewhere"
    fallback.mkdir()
    expected = files.run(PRUNED)
    monkeypatch.setattr(module.tempfile, "mkdtemp", lambda prefix: str(fallback))
    monkeypatch.setattr(compression, "compress", lambda *_: expected)

    def write(path: Path, content: bytes, *, force: bool = False) -> None:
        if path == output:
            raise OutputError("No space left on device.")
        write_file(path, content, force=force)

    monkeypatch.setattr(module, "write_file", write)
    with pytest.raises(OutputError, match=r"model was saved as '.*elsewhere.small\.tflite' instea"):
        compress_to(files.options(RATE), output, True, Silent(), ignore)
    assert (fallback / "small.tflite").read_bytes() == expected.prepared.tflite


def test_the_trained_model_can_be_written_as_keras(files: Files, tmp_path: Path) -> None:
    progress, path = Silent(), tmp_path / "small.keras"
    found = compress_to(files.options(PRUNED), path, False, progress, ignore)
    graph = read_model(path)
    stored = [c.values for c in graph.constants.values() if c.values.ndim > 1]
    zeros = sum(int(np.sum(each == 0)) for each in stored) / sum(each.size for each in stored)
    assert zeros > 0.599  # as the step prune leaves them
    x, _ = task(64)
    assert np.allclose(run(graph, x), run(clean_up(found.graph), x), atol=1e-5)
    assert any("is the trained float model" in note for note in progress.notes)


def test_other_files_are_not_written(files: Files, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"small\.h5' is not a \.tflite or \.keras file"):
        compress_to(files.options(RATE), tmp_path / "small.h5", False, Silent(), ignore)
