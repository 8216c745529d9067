"""A worker: takes candidates of a study, trains them, and records the results."""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinycomp.common.errors import OutputError
from tinycomp.common.progress import Progress
from tinycomp.common.toml_file import toml_text
from tinycomp.options.search import Plan
from tinycomp.recipe_search.box import Box
from tinycomp.recipe_search.evaluate import Evaluator, RefusedError
from tinycomp.recipe_search.halving import Finished, lengths, promoted
from tinycomp.recipe_search.outcome import Outcome
from tinycomp.recipe_search.proposals import Known, Proposals
from tinycomp.recipe_search.space import Space
from tinycomp.recipe_search.storage import REPEATS, Storage, database, repeat

if TYPE_CHECKING:
    import optuna

RUNG = "length"
"""The parameter for the stage of training."""
_RECIPE, _OUTCOME, _REFUSED, _SAME = "recipe", "outcome", "refused", "same as"
_PREVIEW = "preview"
_POLL, _PATIENCE = 0.5, 3600.0
"""Polling interval and timeout for waiting for other workers, in seconds."""
UNFINISHED = "unfinished"
"""The folder for checkpoints."""


def _stages(plan: Plan) -> tuple[int, ...]:
    """Epochs of each stage of training."""
    return lengths(plan.epochs) if plan.halving else (plan.epochs,)


class TrialAsk:
    """Chooses values by an optuna trial."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def choice(self, name: str, options: Sequence[Any]) -> Any:
        """One of the options."""
        return self.trial.suggest_categorical(name, options)

    def whole(self, name: str, low: int, high: int) -> int:
        """An integer from low to high, inclusive."""
        return self.trial.suggest_int(name, low, high)

    def real(self, name: str, low: float, high: float) -> float:
        """A number on a logarithmic scale."""
        return self.trial.suggest_float(name, low, high, log=True)


def sampler(plan: Plan, shift: int) -> optuna.samplers.BaseSampler:
    """The sampler of candidates for the first stage that were not proposed: random choices.

    Args:
        plan: the plan of the search.
        shift: makes the seeds of workers and later runs different.
    """
    import optuna

    seed = (plan.seed + 1000 * shift) % 2**32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        base = optuna.samplers.RandomSampler(seed)
        return optuna.samplers.PartialFixedSampler({RUNG: 0}, base)


@dataclass(frozen=True, eq=False)
class Worker:
    """One process of a search."""

    study: optuna.Study
    """The study, shared with other workers."""
    storage: Storage
    """Storage of the study."""
    space: Space
    """The search space."""
    plan: Plan
    """Extent and goals of the search."""
    evaluator: Evaluator
    """Trains and measures candidates."""
    folder: Path
    """Output folder for models and checkpoints."""
    progress: Progress
    """Shows the trainings."""
    box: Box
    """What candidates are for."""

    @cached_property
    def proposals(self) -> Proposals:
        """Chooses new candidates."""
        evaluator, whole = self.evaluator, self.box.whole
        bare = evaluator.preview("steps = []\n")
        code, stack = whole.flash - bare.flash, whole.ram - bare.ram

        def preview(recipe: str) -> Outcome:
            found = evaluator.preview(recipe)
            return replace(found, flash=found.flash + code, ram=found.ram + stack)

        begun = len(self.study.get_trials(deepcopy=False))
        rng = np.random.default_rng((self.plan.seed, begun, os.getpid() if begun else 0))
        return Proposals(self.space, self.box, preview, _stages(self.plan)[0], rng)

    def run(self, each: Callable[[], object] = lambda: None) -> None:
        """Work until the plan is completed and no other worker is busy.

        Args:
            each: called after each candidate.

        Raises:
            TinycompError: the database, the disk or a tool fails; finished candidates are kept.
        """
        idle, noted = time.monotonic(), False
        while True:
            with database(self.storage):
                more, others = self._next(), self._running()
            waited = time.monotonic() - idle
            if more:
                self._one()
                each()
                idle, noted = time.monotonic(), False
            elif not others or waited > _PATIENCE:
                return
            else:
                if waited > 2 * self.storage.grace and not noted:
                    noted = True
                    numbers = ", ".join(map(str, others))
                    self.progress.note(f"Waiting for other workers, which are training {numbers}.")
                time.sleep(_POLL)

    def _next(self) -> bool:
        """Whether there is a candidate to train. Promoted candidates come first, then new ones,
        then those of lost workers.
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
        for found in promoted(finished(self.study), len(_stages(self.plan)), self.box):
            shorter = by_number[found.number]
            choices = {**_choices(shorter), RUNG: found.rung + 1}
            if _place(choices) not in begun:
                self.study.enqueue_trial(choices, _previewed(shorter))
                return True
        new = [each for each in trials if not _choices(each).get(RUNG) and not _history(each)]
        # Workers that propose at the same time may propose the same; few choices are soon used up.
        distinct = {_place(_choices(each)) if _choices(each) else each.number for each in new}
        most = self.plan.candidates
        if len(distinct) < most and len(new) < 2 * most:
            if self.plan.learns:
                self._propose(trials)
            return True
        return self._repeat_lost(trials)

    def _propose(self, trials: Sequence[optuna.trial.FrozenTrial]) -> None:
        """Enqueue a new candidate, and not one that another worker began in the meantime."""
        with self.progress.stage("Looking at new candidates"):
            choices, preview = self._proposed(trials)
            while later := self.study.get_trials(deepcopy=False)[len(trials) :]:
                if _place(choices) not in {_place(_drawn(each)) for each in later}:
                    break
                trials = [*trials, *later]
                choices, preview = self._proposed(trials)
        kept = {_PREVIEW: json.dumps(preview.values())}
        self.study.enqueue_trial({**choices, RUNG: 0}, kept)

    def _proposed(
        self, trials: Sequence[optuna.trial.FrozenTrial]
    ) -> tuple[dict[str, Any], Outcome]:
        numbers = {each.number: each for each in finished(self.study)}
        known = [
            Known(_drawn(trial), numbers[trial.number].outcome, _preview_of(trial))
            for trial in trials
            if trial.number in numbers
        ]
        begun = [_drawn(each) for each in trials if _choices(each).get("values")]
        return self.proposals.next(known, begun)

    def _repeat_lost(self, trials: Sequence[optuna.trial.FrozenTrial]) -> bool:
        """Enqueue candidates again whose training was interrupted by an error or the user."""
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
        """Candidates that other workers are training."""
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
                # The candidate was reassigned to another worker because heartbeats were missing.
                if "Cannot tell a" not in str(error):
                    raise

    def _objective(self, trial: optuna.Trial) -> tuple[float, ...]:
        rung = trial.suggest_int(RUNG, 0, len(_stages(self.plan)) - 1)
        text = toml_text(self.space.recipe(TrialAsk(trial), _stages(self.plan)[rung]))
        trial.set_user_attr(_RECIPE, text)
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        origin = [*_history(frozen), trial.number][0]
        states = self.folder / UNFINISHED / str(origin)
        known = self._known(text)
        if known is not None:
            shutil.rmtree(states, ignore_errors=True)  # of a lost worker
            trial.set_user_attr(_SAME, known.number)
            return self._note(trial, known.outcome, known.rung)
        try:
            outcome, model = self.evaluator.run(text, states, self.progress)
        except RefusedError as error:
            trial.set_user_attr(_REFUSED, str(error))
            raise
        save(self.folder / "models" / f"{trial.number}.tflite", model)
        return self._note(trial, outcome, rung)

    def _known(self, recipe: str) -> Finished | None:
        """An earlier candidate with the same recipe; different choices can give the same recipe."""
        return next((each for each in finished(self.study) if each.recipe == recipe), None)

    def _note(self, trial: optuna.Trial, outcome: Outcome, rung: int) -> tuple[float, ...]:
        shorter = len(_stages(self.plan)) - 1 - rung
        for name, excess in self.plan.limits.excess(outcome, shorter).items():
            trial.set_constraint(name, excess)
        trial.set_user_attr(_OUTCOME, json.dumps(outcome.values()))
        return (-outcome.quality, *map(outcome.cost, self.plan.costs))


def save(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        OutputError: it can't be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(
            f"'{path}' can't be written: {error.strerror}.",
            hint="Finished candidates are kept: free some space and run the same command again.",
        ) from error


def finished(study: optuna.Study) -> list[Finished]:
    """All measured candidates; each recipe once."""
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
    """A key that identifies choices."""
    return json.dumps(params, sort_keys=True)


def _choices(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """The choices so far; for an enqueued trial its fixed parameters."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _drawn(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """The choices without the stage of training."""
    return {name: value for name, value in _choices(trial).items() if name != RUNG}


def _previewed(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """What a longer training keeps of a shorter one's attributes."""
    return {name: trial.user_attrs[name] for name in (_PREVIEW,) if name in trial.user_attrs}


def _preview_of(trial: optuna.trial.FrozenTrial) -> Outcome | None:
    """The figures before training; None if nobody looked."""
    known = trial.user_attrs.get(_PREVIEW)
    return None if known is None else Outcome.of(json.loads(known))


def _history(trial: optuna.trial.FrozenTrial) -> list[int]:
    """The candidates that it retries, the first one first."""
    return list(trial.system_attrs.get("retry_history", ()))


def _fail_stale(study: optuna.Study) -> None:
    """Reassign candidates of workers whose heartbeats are missing."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
