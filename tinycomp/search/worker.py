"""A worker: takes candidates of a study, trains them, and notes what they came to."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinycomp.common.errors import OutputError
from tinycomp.common.progress import Progress
from tinycomp.common.toml_file import toml_text
from tinycomp.search.evaluate import Evaluator, RefusedError
from tinycomp.search.halving import Finished, lengths, promoted
from tinycomp.search.outcome import Limits, Outcome
from tinycomp.search.space import Space
from tinycomp.search.storage import REPEATS, Storage, database, repeat

if TYPE_CHECKING:
    import optuna

RUNG = "length"
"""The parameter that says how long a candidate is trained: the number of its length."""
_RECIPE, _OUTCOME, _REFUSED, _SAME = "recipe", "outcome", "refused", "same as"
_STARTUP = 10
"""Random candidates before others are learned from."""
_POLL, _PATIENCE = 0.5, 3600.0
"""Seconds between two looks at what other workers do, and of waiting for them at most."""
UNFINISHED = "unfinished"
"""The folder of the states of trainings."""


@dataclass(frozen=True)
class Plan:
    """How long a search goes on, and what it wants."""

    candidates: int
    """Trained for the shortest length."""
    epochs: int
    """Of the longest length."""
    costs: tuple[str, ...]
    """What is made small, beside the error."""
    limits: Limits
    """What candidates have to keep to."""
    seed: int = 0
    """Of the choices."""
    halving: bool = True
    """Whether training begins with few epochs."""
    learns: bool = True
    """Whether candidates are chosen by what earlier ones came to; else at random."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Epochs of each length of training."""
        return lengths(self.epochs) if self.halving else (self.epochs,)


class TrialAsk:
    """Lets a trial of optuna choose."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def choice(self, name: str, options: Sequence[Any]) -> Any:
        """One of these."""
        return self.trial.suggest_categorical(name, options)

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number."""
        return self.trial.suggest_int(name, low, high)

    def real(self, name: str, low: float, high: float) -> float:
        """A number on a logarithmic scale."""
        return self.trial.suggest_float(name, low, high, log=True)


def sampler(plan: Plan, shift: int) -> optuna.samplers.BaseSampler:
    """Chooses new candidates, all for the shortest length: by estimators of what good and bad ones
    look like (TPE: J. Bergstra et al., NeurIPS 2011; for several objectives Y. Ozaki et al., 2022).

    Args:
        plan: of the search.
        shift: makes seeds of workers and of later runs different.
    """
    import optuna

    seed = plan.seed + 1000 * shift
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        base: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed)
        if plan.learns:
            base = optuna.samplers.TPESampler(
                n_startup_trials=_STARTUP, multivariate=True, group=True, constant_liar=True,
                seed=seed,
            )  # fmt: skip
        return optuna.samplers.PartialFixedSampler({RUNG: 0}, base)


@dataclass(frozen=True, eq=False)
class Worker:
    """One process of a search."""

    study: optuna.Study
    """Shared with the others."""
    storage: Storage
    """Where it lies."""
    space: Space
    """The candidates."""
    plan: Plan
    """How long it goes on."""
    evaluator: Evaluator
    """Trains and measures."""
    folder: Path
    """Of the results: models and states of trainings that are not finished."""
    progress: Progress
    """Shows the trainings."""

    def run(self, each: Callable[[], object] = lambda: None) -> None:
        """Work until the plan is fulfilled, and no other worker has something left to do.

        Args:
            each: called after each candidate.

        Raises:
            TinycompError: the database, the disk or a tool fails; what was finished is kept.
        """
        idle, told = time.monotonic(), False
        while True:
            with database(self.storage):
                more, others = self._next(), self._running()
            waited = time.monotonic() - idle
            if more:
                self._one()
                each()
                idle, told = time.monotonic(), False
            elif not others or waited > _PATIENCE:
                return
            else:
                if waited > 2 * self.storage.grace and not told:
                    told = True
                    numbers = ", ".join(map(str, others))
                    self.progress.note(f"Waiting for other workers, who train {numbers}.")
                time.sleep(_POLL)

    def _next(self) -> bool:
        """Whether there is a candidate to train. Long trainings come before short ones, and both
        before those whose workers were lost.
        """
        from optuna.trial import TrialState

        _fail_stale(self.study)
        trials = self.study.get_trials(deepcopy=False)
        if any(each.state == TrialState.WAITING for each in trials):
            return True
        begun = {
            _place(_choices(each))
            for each in trials
            if each.state != TrialState.FAIL or _REFUSED in each.user_attrs
        }
        by_number = {each.number: each for each in trials}
        wanted = promoted(
            finished(self.study), len(self.plan.lengths), self.plan.costs, self.plan.limits
        )
        for found in wanted:
            choices = {**_choices(by_number[found.number]), RUNG: found.rung + 1}
            if _place(choices) not in begun:
                self.study.enqueue_trial(choices)
                return True
        new = [each for each in trials if not _choices(each).get(RUNG) and not _history(each)]
        return len(new) < self.plan.candidates or self._repeat_lost(trials)

    def _repeat_lost(self, trials: Sequence[optuna.trial.FrozenTrial]) -> bool:
        """Put those on the list again whose training an error or a user interrupted."""
        from optuna.trial import TrialState

        repeated = {number for each in trials for number in _history(each)}
        lost = [
            each
            for each in trials
            if each.state == TrialState.FAIL
            and _REFUSED not in each.user_attrs
            and each.number not in repeated
            and len(_history(each)) < REPEATS
        ]
        for each in lost:
            repeat()(self.study, each)
        return bool(lost)

    def _running(self) -> list[int]:
        """Candidates that other workers train."""
        from optuna.trial import TrialState

        trials = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [each.number for each in trials]

    def _one(self) -> None:
        """Train the next candidate."""
        with database(self.storage):
            try:
                self.study.optimize(
                    self._objective, n_trials=1, catch=(RefusedError,), gc_after_trial=True
                )
            except ValueError as error:
                # Another worker took over what this one did not give a sign of life for.
                if "Cannot tell a" not in str(error):
                    raise

    def _objective(self, trial: optuna.Trial) -> tuple[float, ...]:
        rung = trial.suggest_int(RUNG, 0, len(self.plan.lengths) - 1)
        text = toml_text(self.space.recipe(TrialAsk(trial), self.plan.lengths[rung]))
        trial.set_user_attr(_RECIPE, text)
        known = self._known(text)
        if known is not None:
            trial.set_user_attr(_SAME, known.number)
            return self._note(trial, known.outcome, known.rung)
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        origin = [*_history(frozen), trial.number][0]
        states = self.folder / UNFINISHED / str(origin)
        try:
            outcome, model = self.evaluator.run(text, states, self.progress)
        except RefusedError as error:
            trial.set_user_attr(_REFUSED, str(error))
            raise
        save(self.folder / "models" / f"{trial.number}.tflite", model)
        return self._note(trial, outcome, rung)

    def _known(self, recipe: str) -> Finished | None:
        """An earlier candidate with the same recipe: choices differ that come to the same."""
        return next((each for each in finished(self.study) if each.recipe == recipe), None)

    def _note(self, trial: optuna.Trial, outcome: Outcome, rung: int) -> tuple[float, ...]:
        shorter = len(self.plan.lengths) - 1 - rung
        for name, excess in self.plan.limits.excess(outcome, shorter).items():
            trial.set_constraint(name, excess)
        trial.set_user_attr(_OUTCOME, json.dumps(outcome.values()))
        return (-outcome.quality, *map(outcome.cost, self.plan.costs))


def save(path: Path, content: bytes) -> None:
    """Write a file whole.

    Raises:
        OutputError: it can't be written.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise OutputError(
            f"'{path}' can't be written: {error.strerror}.",
            hint="What was finished is kept: run the same command again once there is room.",
        ) from error


def finished(study: optuna.Study) -> list[Finished]:
    """All candidates that were measured; each recipe once."""
    return [
        Finished(
            trial.number,
            int(trial.params[RUNG]),
            Outcome.of(json.loads(values)),
            str(trial.user_attrs[_RECIPE]),
        )
        for trial, values in _noted(study, _OUTCOME)
        if _SAME not in trial.user_attrs
    ]


def refused(study: optuna.Study) -> dict[int, str]:
    """Why candidates were not possible, by number."""
    return {trial.number: values for trial, values in _noted(study, _REFUSED)}


def _noted(study: optuna.Study, name: str) -> Iterator[tuple[optuna.trial.FrozenTrial, Any]]:
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False):
        done = trial.state == TrialState.COMPLETE or name == _REFUSED
        if done and name in trial.user_attrs:
            yield trial, trial.user_attrs[name]


def _place(params: Mapping[str, Any]) -> str:
    """Identifies choices."""
    return json.dumps(params, sort_keys=True)


def _choices(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """What was chosen so far; of one that waits what it was put on the list with."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _history(trial: optuna.trial.FrozenTrial) -> list[int]:
    """The candidates that it repeats, the first one first."""
    return list(trial.system_attrs.get("retry_history", ()))


def _fail_stale(study: optuna.Study) -> None:
    """Give candidates of workers that are not heard of any more to others."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
