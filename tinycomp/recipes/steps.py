"""Reads and checks recipe files; all problems of a file are reported at once.

[training]                     # options of every training; a step can override them
imitation = 0.5

[[steps]]
technique = "prune"            # the name of a module of compress or train
sparsity = 0.9                 # options of the technique: the fields of its dataclass
epochs = 10                    # options of the training: the fields of Schedule
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from tinycomp.common.errors import TinycompError, numbered
from tinycomp.common.toml_file import read_toml, shown
from tinycomp.options.data import HoldOut
from tinycomp.techniques._technique import Technique
from tinycomp.techniques.recipe import Recipe as PostTraining
from tinycomp.train._registry import POST_TRAINING, kinds
from tinycomp.train.constraint import Constraint
from tinycomp.train.schedule import Schedule

_TECHNIQUE, _STEPS, _TRAINING = "technique", "steps", "training"
_WHOLE = ("seed", "validation", "hold_out")
"""Options of a Schedule that apply to the whole recipe."""
_STAGES = {
    "float": "structure",
    "zeros": "zeros",
    "grid": "values",
    "int8": "after quantization",
}
"""Stages in the order of steps, with their names for messages."""
_ANYWHERE = ("fine_tune", "keep_zeros")
"""Trainings that are also allowed between structure techniques."""


@dataclass(frozen=True)
class Step:
    """A technique, and the training that follows it or is constrained by it."""

    name: str
    """The technique's name."""
    technique: Technique | Constraint | PostTraining
    """The technique with its options."""
    schedule: Schedule | None = None
    """Options of the training; None: no training."""

    @property
    def stage(self) -> str:
        """A key of _STAGES."""
        return "int8" if isinstance(self.technique, PostTraining) else self.technique.stage


@dataclass(frozen=True)
class Recipe:
    """A list of compression and training steps."""

    steps: tuple[Step, ...]
    """In execution order."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The contents of the file."""
    training: Schedule = field(default_factory=Schedule)
    """Options of all trainings, if no step has one: they choose the samples that steps look at."""

    @property
    def split(self) -> tuple[int, float, HoldOut]:
        """Seed, validation share and hold-out method, which all trainings have in common."""
        schedules = [step.schedule for step in self.steps if step.schedule]
        chosen = schedules[0] if schedules else self.training
        return chosen.seed, chosen.validation, chosen.hold_out

    @property
    def trains(self) -> bool:
        """Whether a step trains, which takes Keras."""
        return any(step.schedule for step in self.steps)

    def with_training(self, epochs: int | None, seed: int | None) -> Recipe:
        """The recipe with epochs and seed of all trainings replaced, unless None."""
        given = {"epochs": epochs, "seed": seed}
        changes: dict[str, Any] = {k: value for k, value in given.items() if value is not None}
        steps = [
            replace(step, schedule=replace(step.schedule, **changes)) if step.schedule else step
            for step in self.steps
        ]
        return replace(self, steps=tuple(steps), training=replace(self.training, **changes))


@cache
def builtin() -> tuple[str, ...]:
    """The names of the recipes that come with tinycomp."""
    found = (Path(each.name) for each in _folder().iterdir())
    return tuple(sorted(path.stem for path in found if path.suffix == ".toml"))


def _folder() -> Any:
    return resources.files("tinycomp.recipes").joinpath("builtin")


def has_steps(path: Path) -> bool:
    """Whether a recipe lists steps; other recipes only have options of post-training compression.

    Raises:
        TinycompError: the file can't be read.
    """
    if not path.is_file() and str(path) in builtin():
        return True
    return bool({_STEPS, _TRAINING} & read_toml(path, f"Recipe '{path}'").keys())


def find_recipe(name: str) -> Recipe:
    """A built-in recipe by name, or a recipe file by path.

    Raises:
        TinycompError: there is no such recipe, or it has problems; all are named.
    """
    if name in builtin():
        with resources.as_file(_folder().joinpath(f"{name}.toml")) as path:
            return parse(read_toml(path, f"Recipe '{name}'"), f"Recipe '{name}'")
    path = Path(name)
    if not path.is_file():
        near = difflib.get_close_matches(name, builtin(), n=1)
        raise TinycompError(
            f"There is no recipe '{name}'.",
            expected=f"Expected a TOML file, or one of {', '.join(builtin())}.",
            hint=f"Did you mean '{near[0]}'?" if near else "",
        )
    values = read_toml(path, f"Recipe '{path}'")
    if not {_STEPS, _TRAINING} & values.keys():  # options of post-training compression only
        values = {_STEPS: [{_TECHNIQUE: POST_TRAINING, **values}]}
    found = parse(values, f"Recipe '{path}'")
    if not found.steps:
        raise TinycompError(
            f"Recipe '{path}' has no steps: it would leave the model as it is.",
            expected=f"Expected at least one table [[{_STEPS}]] with a '{_TECHNIQUE}'.",
            hint=f"Add a step (docs/recipes.md), or use one of {', '.join(builtin())}.",
        )
    return found


def parse(values: Mapping[str, Any], title: str) -> Recipe:
    """The recipe in the values of a TOML file.

    Raises:
        TinycompError: it has problems; all are named.
    """
    problems = [
        f"key '{key}' is not known{_known(key, (_TRAINING, _STEPS))}"
        for key in values
        if key not in (_TRAINING, _STEPS)
    ]
    training, listed = values.get(_TRAINING, {}), values.get(_STEPS, [])
    if not isinstance(training, dict):
        problems.append(f"'{_TRAINING}' is {shown(training)}, not a table")
        training = {}
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        problems.append(f"'{_STEPS}' is {shown(listed)}, not a list of tables [[{_STEPS}]]")
        listed = []
    names = _names(Schedule)
    problems += [
        f"[{_TRAINING}]: option '{key}' is not known{_known(key, names)}"
        for key in training
        if key not in names
    ]
    training = {key: value for key, value in training.items() if key in names}
    steps = []
    for number, table in enumerate(listed, 1):
        found = _step(table, training)
        problems += [f"step {number}{_title(table)}: {each}" for each in found if _is_text(each)]
        steps += [each for each in found if isinstance(each, Step)]
    problems += _order_problems(steps)
    common: list[Step | str] = []
    trains = problems or any(step.schedule for step in steps)
    schedule = Schedule() if trains else _made(Schedule, training, common)
    problems += [f"[{_TRAINING}]: {each}" for each in common if _is_text(each)]
    if problems:
        listing = numbered([f"{each}." for each in problems])
        many = f" has {len(problems)} problems: {listing}" if len(problems) > 1 else ""
        raise TinycompError(f"{title}{many or f': {problems[0]}.'}")
    return Recipe(tuple(steps), dict(values), schedule)


def _is_text(value: Step | str) -> bool:
    return isinstance(value, str)


def _title(table: Mapping[str, Any]) -> str:
    name = table.get(_TECHNIQUE)
    return f" ({name})" if isinstance(name, str) else ""


def _step(table: Mapping[str, Any], training: Mapping[str, Any]) -> list[Step | str]:
    """A step, or the problems with it."""
    name = table.get(_TECHNIQUE)
    if not isinstance(name, str) or name not in kinds():
        missing = (
            f"'{_TECHNIQUE}' is missing" if name is None else f"there is no technique {shown(name)}"
        )
        return [f"{missing}{_known(str(name), tuple(kinds()))}"]
    kind = kinds()[name]
    own, trained = _names(kind), _names(Schedule) if _trains(kind) else ()
    options = {key: value for key, value in table.items() if key != _TECHNIQUE}
    usable = tuple(each for each in trained if each not in _WHOLE)
    problems: list[Step | str] = [
        f"option '{key}' applies to all steps: set it under [{_TRAINING}]"
        if key in trained
        else f"option '{key}' is not known{_known(key, (*own, *usable))}"
        for key in options
        if key not in own and key not in usable
    ]
    technique = _made(kind, {key: options[key] for key in options if key in own}, problems)
    schedule = None
    timing = {key: options[key] for key in options if key in usable and key not in own}
    epochs = timing.get("epochs", training.get("epochs"))
    if issubclass(kind, Constraint) or (epochs and trained):
        schedule = _made(Schedule, {**training, **timing}, problems)
    elif timing:
        problems.append("training options are given, but no epochs")
    return problems or [Step(name, technique, schedule)]


def _trains(kind: type[Any]) -> bool:
    """Whether a technique is a training, or can be followed by one of its own."""
    return issubclass(kind, Constraint) or (issubclass(kind, Technique) and kind.stage == "float")


def _made(kind: type[Any], options: Mapping[str, Any], problems: list[Step | str]) -> Any:
    """An instance with these options, or None; problems are appended to the list."""
    unusable = [*_not_finite(options)]
    if unusable:
        problems += unusable
        return None
    try:
        return TypeAdapter(kind).validate_json(json.dumps(options, default=str), strict=True)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            key = ".".join(map(str, each["loc"]))
            if each["type"] == "unexpected_keyword_argument":  # in the table of an option
                known = _names(get_type_hints(kind)[str(each["loc"][0])])
                problems.append(f"option '{key}' is not known{_known(str(each['loc'][-1]), known)}")
                continue
            given = "" if each["type"] == "missing" else f", but it is {shown(each['input'])}"
            problems.append(f"option '{key}': {each['msg'][:1].lower()}{each['msg'][1:]}{given}")
    except TinycompError as error:
        problems.append(str(error).rstrip("."))
    return None


def _not_finite(options: Mapping[str, Any]) -> Iterator[str]:
    """Options that are infinite or NaN: no comparison with a bound notices NaN."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from (f"option '{key}': {each}" for each in _not_finite(value))
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"option '{key}' is {value}, not a finite number"


def _names(kind: type[Any]) -> tuple[str, ...]:
    """The options of a technique or a training."""
    if issubclass(kind, PostTraining):
        return tuple(PostTraining.model_fields)
    return tuple(each.name for each in fields(kind) if each.init)


def _known(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f" (known here: {', '.join(names)}{hint})"


def _order_problems(steps: Sequence[Step]) -> Iterator[str]:
    """Problems with the order of steps."""
    ranks = list(_ranks(steps))
    if ranks != sorted(ranks):
        order = sorted(range(len(steps)), key=lambda index: ranks[index])
        yield (
            f"in the order {_listed(steps)}, later steps would undo earlier ones; the right order "
            f"is {_listed([steps[index] for index in order])} ({', '.join(_STAGES.values())})"
        )
    grids = list(dict.fromkeys(step.name for step in steps if step.stage == "grid"))
    if len(grids) > 1:
        yield (
            f"{' and '.join(grids)} each choose the values of weights, and the later one would "
            "undo the earlier one: keep only one of them"
        )


def _ranks(steps: Sequence[Step]) -> Iterator[int]:
    """The index of each step's stage in the order of stages."""
    reached = 0
    for step in steps:
        rank = list(_STAGES).index(step.stage)
        if step.name in _ANYWHERE:
            rank = min(reached, rank)
        reached = max(reached, rank)
        yield rank


def _listed(steps: Sequence[Step]) -> str:
    return ", ".join(step.name for step in steps)
