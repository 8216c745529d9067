"""Recipes on models with several inputs and outputs: every output is trained, by its own labels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import tinycomp
from tinycomp.common.errors import DataError, TinycompError
from tinycomp.common.progress import Silent
from tinycomp.data.targets import Targets, find_targets
from tinycomp.data.task import model_shapes
from tinycomp.ir.graph import Graph, GraphBuilder, named_ends
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops.arg_max import ArgMax
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.softmax import Softmax
from tinycomp.quantization.export import write_tflite
from tinycomp.recipe_search.sensitivity import measure
from tinycomp.recipes.compression import Compressed
from tinycomp.recipes.material import targets_of
from tinycomp.reference.oracle import run_outputs
from tinycomp.techniques._channel_groups import channel_groups
from tinycomp.techniques._taylor import taylor
from tinycomp.techniques._technique import Samples
from tinycomp.train.ends import apart
from tinycomp.train.loop import outputs_of, train
from tinycomp.train.losses import Supervision, balanced
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule
from tinycomp.train.teacher import kind_of, supervision, teacher_features, teacher_outputs

COUNT, HIDDEN = 240, 34
LOGITS = (True, False, True)
SIZES = {"kind": 3, "age": 2, "tired": 1}
RNG = np.random.default_rng(7)
X = RNG.normal(size=(COUNT, 17)).astype(np.float32)
TRUTH = {name: RNG.normal(size=(17, size)) for name, size in SIZES.items()}
REAL = {name: X @ matrix for name, matrix in TRUTH.items()}
LABELS = {
    "kind": REAL["kind"].argmax(axis=1),
    "age": 40 + 30 * REAL["age"],
    "tired": (REAL["tired"][:, 0] > 0).astype(np.int64),
}
INPUTS = {"sound": X[:, :12], "motion": X[:, 12:]}


@cache
def network() -> Graph:
    """The functions behind the labels, after a hidden layer that keeps all values."""
    builder = GraphBuilder("ends")
    entries = [builder.input(name, each.shape[1:]) for name, each in INPUTS.items()]

    def dense(x: str, weights: Array, name: str, bias: float, activation: Activation) -> str:
        kernel = builder.constant(f"{name}/kernel", weights.T.astype(np.float32))
        shift = builder.constant(f"{name}/bias", np.full(weights.shape[1], bias, np.float32))
        return builder.add(FullyConnected(activation), [x, kernel, shift], f"{name}/dense")

    joined = builder.add(Concatenation(-1), entries, "joined")
    both = np.concatenate([np.eye(17), -np.eye(17)], axis=1)
    hidden = dense(joined, both, "hidden", 0, Activation.RELU)
    kind, age, tired = (
        dense(
            hidden,
            np.concatenate([matrix, -matrix]) * (30 if name == "age" else 1),
            name,
            40 if name == "age" else 0,
            Activation.NONE,
        )
        for name, matrix in TRUTH.items()
    )
    kind = builder.add(Softmax(), [kind], "kind/softmax")
    tired = builder.add(Logistic(), [tired], "tired/sigmoid")
    return named_ends(builder.build([kind, age, tired]), list(SIZES))


def targets(weights: tuple[float, ...] = (1, 1, 1)) -> list[Supervision]:
    kind, age, tired = teacher_outputs(network(), X, LOGITS)
    made = (
        Supervision.classes(kind, LABELS["kind"]),
        Supervision.values(age, LABELS["age"]),
        Supervision.marks(tired, LABELS["tired"]),
    )
    return [balanced(each, weight) for each, weight in zip(made, weights, strict=True)]


def compress(folder: Path, text: str) -> Compressed:
    recipe = folder / "recipe.toml"
    recipe.write_text(text)
    return tinycomp.compress(
        write_tflite(network()), (INPUTS, LABELS), recipe=recipe, progress=Silent()
    )


def test_the_keras_model_has_the_names_and_the_function() -> None:
    model = trainable(network(), calibration=None)
    assert [each.name for each in model.inputs] == ["sound", "motion"]
    assert model.output_names == ["kind", "age", "tired"]
    expected = teacher_outputs(network(), X, logits=False)
    for given in (INPUTS, list(INPUTS.values())):
        found = model.predict(given, verbose=0)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_calibration_samples_are_given_by_name_or_in_one_axis() -> None:
    by_name = trainable(network(), calibration=INPUTS).tinycomp.rounding
    assert by_name == trainable(network(), calibration=X).tinycomp.rounding
    assert {"sound", "motion"} <= by_name.keys()
    with pytest.raises(DataError, match="Expected an array for each of sound, motion"):
        trainable(network(), calibration={"sound": INPUTS["sound"]})


def test_hidden_features_are_those_before_an_output() -> None:
    model = trainable(network(), logits=LOGITS, features=1)
    *_, found = model.predict(apart(network(), X), verbose=0)
    np.testing.assert_allclose(found, teacher_features(network(), X, 1), atol=1e-4)
    assert found.shape == (COUNT, HIDDEN)


def test_every_output_is_trained_and_scored_by_its_own_labels() -> None:
    schedule = Schedule(epochs=5, batch=20, validation=0.25)  # all batches alike: traced once
    left: dict[str, list[float]] = {}
    for name, weights in {"all": (1, 1, 1), "kind": (1, 0, 0)}.items():
        model = trainable(network(), [Rate(1.0, every=2)], logits=LOGITS)
        epochs = train(model, X, targets(weights), schedule, Silent())
        assert len(epochs[-1].by_output) == 3
        assert epochs[-1].validation == pytest.approx(np.mean(epochs[-1].by_output))  # type: ignore[arg-type]
        found = outputs_of(model.predict(apart(network(), X), verbose=0))
        left[name] = [
            each.agreement(own, np.arange(COUNT))
            for each, own in zip(targets(), found, strict=True)
        ]
        assert finish(model).outputs == network().outputs
    assert min(left["all"]) > 0.6
    assert left["kind"][1] < left["all"][1]


def test_a_recipe_runs_and_says_the_score_of_each_output(tmp_path: Path) -> None:
    text = (
        "[training]\nepochs = 2\nbatch = 20\nvalidation = 0.0625\n"
        '[[steps]]\ntechnique = "prune"\nsparsity = 0.3\n'
        '[[steps]]\ntechnique = "int8"\nbits = 5\n'
    )
    found = compress(tmp_path, text)
    assert [each.output for each in found.steps[-1].others] == ["age", "tired"]
    (_, kind), (_, age), (_, tired) = found.scores
    assert kind is not None
    assert tired is not None
    assert age is not None
    assert min(kind.value, tired.value) > 0.7
    assert age.value < 0.5 * LABELS["age"].var()
    build = tinycomp.build(found, verify=False, bench=False, progress=Silent())
    raw = np.random.default_rng(0).integers(-128, 128, (20, 17)).astype(np.int8)
    graph = build._graph
    given = {graph.label(name): each for name, each in graph.split(raw).items()}
    ours = build.simulate(given)
    assert isinstance(ours, dict)
    expected = run_outputs(found.tflite, raw)
    assert ours.keys() == SIZES.keys()
    for own, theirs in zip(ours.values(), expected.values(), strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_weights_of_losses_name_outputs(tmp_path: Path) -> None:
    text = '[training]\nepochs = 1\n{}\n[[steps]]\ntechnique = "fine_tune"\n'
    with pytest.raises(TinycompError, match=r"no output 'agee'. Expected names of kind, age"):
        compress(tmp_path, text.format("loss_weights = { agee = 2.0 }"))
    with pytest.raises(TinycompError, match="are 0 for all outputs"):
        compress(tmp_path, text.format("loss_weights = { kind = 0.0, age = 0.0, tired = 0.0 }"))
    with pytest.raises(TinycompError, match="loss_weights: age = -1"):
        Schedule(loss_weights={"age": -1})


def test_labels_may_be_missing() -> None:
    few = Targets("classification", np.array([2, 0, 1]), np.array([1, 4, 6]))
    found = targets_of(few, np.array([6, 0, 1, 7]))
    assert found.values.tolist() == [1, 2]
    assert found.kept.tolist() == [0, 2]
    several = Targets("regression", np.arange(6).reshape(3, 2), np.array([1, 4, 6]))
    assert targets_of(several, np.array([4])).values.tolist() == [[2, 3]]


def test_channels_matter_for_any_output() -> None:
    graph, name = network(), "age/kernel"
    changed = {}
    for each in ("kind/kernel", "age/kernel", "tired/kernel"):
        values = graph.constants[each].values.copy()
        values[:, : 2 if each == name else 4] = 0  # the last two matter for the age alone
        changed[each] = replace(graph.constants[each], values=values)
    graph = replace(graph, constants={**graph.constants, **changed})
    groups = channel_groups(graph)
    found = taylor(groups, Samples(X, {"kind": LABELS["kind"], "age": LABELS["age"]}))
    bundles = groups.groups[0].bundles
    assert found[bundles[:2]].max() == 0
    assert found[bundles[2:]].min() > 0


def test_layers_are_sensitive_by_all_outputs() -> None:
    found = measure(network(), Samples(X), LOGITS, Silent())
    assert {"hidden/dense", "age/dense"} <= {each.layer for each in found["bits"]}
    assert all(each.options[-1].damage > 0 for each in found["bits"])
    assert all(np.isfinite(option.damage) for each in found["channels"] for option in each.options)


def test_a_choice_of_the_largest_value_is_trained_by_the_values() -> None:
    builder = GraphBuilder("choice")
    kernel = builder.constant("kernel", TRUTH["kind"].T.astype(np.float32))
    bias = builder.constant("bias", np.zeros(3, np.float32))
    shares = builder.add(FullyConnected(), [builder.input("x", (17,)), kernel, bias], "dense")
    last = builder.add(Softmax(), [shares], "softmax")
    graph = builder.build([builder.add(ArgMax(axes=(0,)), [last], "choice")])
    (shape,) = model_shapes(graph)
    labels = find_targets(shape, X, LABELS["kind"])
    assert kind_of(shape, labels, graph) == "classes"
    assert kind_of(shape, Targets(None, np.empty(0), np.arange(0)), graph) == "classes"
    (said,) = teacher_outputs(graph, X, logits=True)
    targets = supervision("classes", said, labels)
    assert targets.agreement(said, np.arange(COUNT)) == 1
    np.testing.assert_allclose(
        trainable(graph, logits=True).predict(X, verbose=0), REAL["kind"], rtol=1e-4, atol=1e-4
    )
