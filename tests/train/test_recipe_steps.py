"""Recipe files: contents, and the messages of errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tinycomp.common.errors import TinycompError
from tinycomp.options.compress import Targets
from tinycomp.options.search import Limits
from tinycomp.recipes.steps import Recipe, builtin, find_recipe, has_steps, parse
from tinycomp.techniques.recipe import Recipe as PostTraining
from tinycomp.train._registry import kinds
from tinycomp.train.augment import Augmentation
from tinycomp.train.prune import Prune
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule

PAGE = Path(__file__).parents[2] / "docs" / "techniques.md"


def recipe(*steps: dict[str, Any], **training: Any) -> Recipe:
    return parse({"training": training, "steps": list(steps)}, "Recipe 'r'")


def refusal(*steps: dict[str, Any], **training: Any) -> str:
    with pytest.raises(TinycompError) as caught:
        recipe(*steps, **training)
    return str(caught.value)


def test_options_of_steps_and_trainings_become_objects() -> None:
    found = recipe(
        {"technique": "prune", "sparsity": 0.9, "score": "magnitude", "epochs": 4},
        {"technique": "rate", "bits": 1.5},
        epochs=7,
        imitation=0.5,
        seed=3,
    )
    prune, rate = found.steps
    assert prune.technique == Prune(0.9, score="magnitude")
    assert prune.schedule == Schedule(epochs=4, imitation=0.5, seed=3)
    assert rate.technique == Rate(1.5)
    assert rate.schedule == Schedule(epochs=7, imitation=0.5, seed=3)
    assert found.split == (3, Schedule().validation, "random")
    assert [s.schedule.epochs for s in found.with_training(2, None).steps if s.schedule] == [2, 2]


def test_augmentation_is_a_table_of_a_training_or_of_a_step() -> None:
    rate = {"technique": "rate", "bits": 1.5}
    first, second = recipe(
        {"technique": "fine_tune", "augment": {"noise": 0.1}}, rate,
        augment={"shift": 2, "flip": True}, hold_out="last", decay="linear", warmup=0.1, patience=3,
    ).steps  # fmt: skip
    assert first.schedule is not None
    assert second.schedule is not None
    assert first.schedule.augment == Augmentation(noise=0.1)
    assert second.schedule == Schedule(
        augment=Augmentation(shift=2, flip=True), hold_out="last", decay="linear", warmup=0.1,
        patience=3,
    )  # fmt: skip


def test_problems_of_an_augmentation_are_named() -> None:
    text = refusal({"technique": "rate"}, augment={"shifd": 1})
    assert "option 'augment.shifd' is not known (known here: shift, flip" in text
    assert "did you mean 'shift'?" in text
    text = refusal({"technique": "rate", "augment": {"crop": 2.0}})
    assert "An augmentation with crop 2.0 is not possible" in text


@pytest.mark.parametrize("name", builtin())
def test_every_built_in_recipe_can_be_read(name: str) -> None:
    assert find_recipe(name).steps
    assert has_steps(Path(name))


def test_a_file_without_steps_is_compression_after_training(tmp_path: Path) -> None:
    path = tmp_path / "layers.toml"
    path.write_text("codebook_bits = 4\n[layers.'dense*']\nsparsity = 0.5\n")
    assert not has_steps(path)
    (step,) = find_recipe(str(path)).steps
    assert isinstance(step.technique, PostTraining)
    assert step.technique.codebook_bits == 4
    assert step.technique.layers["dense*"].sparsity == 0.5


@pytest.mark.parametrize("text", ["steps = []\n", "[training]\nepochs = 3\n"])
def test_a_recipe_without_steps_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.toml"
    path.write_text(text)
    with pytest.raises(TinycompError, match=r"has no steps.*Expected at least one table \[\[steps"):
        find_recipe(str(path))


def test_all_problems_are_named_at_once() -> None:
    text = refusal(
        {"technique": "prun", "sparsity": 0.5},
        {"technique": "prune", "sparsity": 1.2, "epochs": 0},
        {"technique": "rate", "bitz": 2, "step": "coarse"},
        {"technique": "int8", "seed": 1},
        {"technique": "prune"},
        ratr=0.1,
    )
    assert "has 8 problems" in text
    for part in (
        "[training]: option 'ratr' is not known",
        "did you mean 'rate'?",
        "step 1 (prun): there is no technique 'prun'",
        "did you mean 'prune'?",
        "step 2 (prune): A sparsity of 1.2 is not possible. Expected 0 <= sparsity < 1.",
        "A training with epochs 0 is not possible",
        "step 3 (rate): option 'bitz' is not known",
        "did you mean 'bits'?",
        "option 'step': input should be a valid number, but it is 'coarse'",
        "step 4 (int8): option 'seed' applies to all steps: set it under [training]",
        "step 5 (prune): option 'sparsity': field required",
    ):
        assert part in text


def test_one_problem_is_one_sentence() -> None:
    assert refusal({"technique": "rate", "bits": 0}) == (
        "Recipe 'r': step 1 (rate): 0 bits per weight are not possible. Expected 0 < bits <= 8."
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    text = refusal({"technique": "rate", "step": value, "augment": {"noise": value}})
    assert f"option 'step' is {value}, not a finite number" in text
    assert f"option 'augment': option 'noise' is {value}, not a finite number" in text
    assert "not a finite number" in refusal({"technique": "int8"}, temperature=value)


def test_a_step_needs_a_technique() -> None:
    assert "step 1: 'technique' is missing (known here: " in refusal({"epochs": 3})


@pytest.mark.parametrize("values", [{"steps": 3}, {"training": 1}, {"step": []}])
def test_other_tables_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(TinycompError, match=r"^Recipe 'r': "):
        parse(values, "Recipe 'r'")


def test_a_wrong_order_is_refused_with_the_right_one() -> None:
    text = refusal(
        {"technique": "post_training", "codebook_bits": 4},
        {"technique": "rate"},
        {"technique": "prune", "sparsity": 0.5},
    )
    assert "in the order post_training, rate, prune, later steps would" in text
    assert "the right order is prune, rate, post_training" in text


def test_two_grids_are_refused() -> None:
    assert "rate and int8 each choose the values" in refusal(
        {"technique": "rate"}, {"technique": "int8"}
    )
    assert len(recipe({"technique": "rate"}, {"technique": "rate", "bits": 1.0}).steps) == 2


def test_training_options_without_epochs_are_refused() -> None:
    text = refusal({"technique": "post_training", "epochs": 3})
    assert "option 'epochs' is not known" in text


def test_an_unknown_recipe_is_refused_with_the_closest_name() -> None:
    with pytest.raises(TinycompError, match=r"no recipe 'tinny'\. .* Did you mean 'tiny'\?"):
        find_recipe("tinny")


def test_common_options_hold_without_trainings() -> None:
    values = {
        "training": {"seed": 3, "validation": 0.3},
        "steps": [{"technique": "rounding", "bits": 4}],
    }
    assert parse(values, "Recipe").split == (3, 0.3, "random")
    with pytest.raises(TinycompError, match=r"validation 2"):
        parse({**values, "training": {"validation": 2.0}}, "Recipe")


@pytest.mark.parametrize("name", kinds())
def test_the_page_explains_each_technique_and_has_a_measured_row(name: str) -> None:
    text = PAGE.read_text()
    assert re.search(rf"^#+ .*\b{name}\b", text, re.MULTILINE), "a heading with its name"
    measured = text[text.index("## Each technique alone") :]
    rows = [line for line in measured.splitlines() if line.startswith("| ") and f"`{name}`" in line]
    assert any(re.search(r"\| [\d.]+ % \| [\d,]+ \|", row) for row in rows), (
        "run python -m benchmarks.compression.techniques with a case for it"
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Targets(accuracy=97), "--min-accuracy 97 is not possible. Expected a share"),
        (lambda: Targets(accuracy=float("nan")), "--min-accuracy nan is not possible"),
        (lambda: Targets(constants=0), "--target-bytes 0 is not possible. Expected a number above"),
        (lambda: Targets(macs=-5), "--target-macs -5 is not possible"),
        (lambda: Limits(ram=0), "--max-ram 0 is not possible"),
        (lambda: Limits(accuracy=-0.1), "--min-accuracy -0.1 is not possible"),
    ],
)
def test_impossible_targets_are_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(TinycompError, match=re.escape(text)):
        make()
