"""Implements `tinycomp search`: finds the Pareto front of recipes for a float model, data and
limits.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinycomp.common.errors import OutputError, TinycompError
from tinycomp.common.locks import locked
from tinycomp.common.progress import Progress, Silent
from tinycomp.common.toml_file import toml_text
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.tensor import Array
from tinycomp.options.search import COSTS, SearchOptions
from tinycomp.recipe_search import sensitivity
from tinycomp.recipe_search.box import Box
from tinycomp.recipe_search.evaluate import LOOKED_AT, Evaluator, RefusedError
from tinycomp.recipe_search.halving import Finished
from tinycomp.recipe_search.outcome import Outcome, outcome_line
from tinycomp.recipe_search.results import Results, write_results
from tinycomp.recipe_search.space import Space
from tinycomp.recipe_search.storage import Storage, database, open_study, require_optuna
from tinycomp.recipe_search.worker import Worker, finished, refused, sampler, save
from tinycomp.recipes.material import Material

if TYPE_CHECKING:
    import optuna

DATABASE, _MARK = "study.db", "search.json"
"""Files in the output folder: the study, if there is no other storage; the identity of the
search.
"""
_SURELY = 0.8
"""A limit is refused if it is below this share of the estimated minimum."""
_SENSITIVITY, _WHOLE = "sensitivity", "whole"
_POLL = 0.5


Report = Callable[[Finished], None]


def search(options: SearchOptions, progress: Progress, report: Report) -> Results:
    """Start a search, or resume it.

    Args:
        options: the options.
        progress: shows the stages.
        report: called with each finished candidate.

    Returns:
        The results, which are also written to the output folder.

    Raises:
        TinycompError: the model, the data or an option can't be used; the study or the folder
            belongs to another search; a limit is impossible; or no candidate meets the limits.
    """
    require_optuna()
    import_keras("tinycomp search")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # each candidate is traced anew
    with _owned(options.output):
        evaluator = Evaluator.read(options.task, progress)
        identity = _identity(options, evaluator)
        _require_same(options.output, identity)
        study = _study(options, identity, 0)
        save(options.output / _MARK, json.dumps(identity, indent=1).encode())
        space = _space(study, options, evaluator, progress)
        if not finished(study):
            _require_possible(options, space, evaluator)
        results = _Reporter(options, study, space, report)
        try:
            if options.jobs == 1:
                _worker(options, study, space, evaluator, progress).run(results.look)
            else:
                _processes(options, results, progress)
        finally:
            with suppress(TinycompError):
                results.look()
        found = results.look()
    _require_some(found, options)
    return found


class _Reporter:
    """Reports new candidates, and updates the result files."""

    def __init__(
        self, options: SearchOptions, study: optuna.Study, space: Space, report: Report
    ) -> None:
        self.options, self.study, self.space, self.report = options, study, space, report
        self.known: set[int] = {each.number for each in finished(study)}
        self.results: Results | None = None

    def look(self) -> Results:
        """The results so far."""
        with database(_place(self.options)):
            found, not_possible = finished(self.study), refused(self.study)
        new = [each for each in found if each.number not in self.known]
        for each in new:
            self.known.add(each.number)
            self.report(each)
        if new or self.results is None:
            options = self.options
            self.results = Results(
                options.task, options.plan, self.space.sensitivity, tuple(found), not_possible
            )
            write_results(self.results, options.output)
        return self.results


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """Hold the output folder, which is made where there is none."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"'{folder}' is a file.", hint="Name a folder.")
    foreign = folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists()
    if foreign and not all(each.name.startswith((".", DATABASE)) for each in folder.iterdir()):
        raise OutputError(
            f"The folder '{folder}' has files that are not of a search.",
            hint="Name another folder.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".tinycomp-search-lock", 0.0):
            yield
    except TimeoutError as error:
        raise OutputError(
            f"Another search is running in '{folder}'.",
            hint="Wait until it ends, or name another folder. --jobs trains several candidates at "
            "the same time, and --storage shares a study.",
        ) from error
    except OSError as error:
        raise OutputError(f"'{folder}' can't be used: {error.strerror}.") from error


def _identity(options: SearchOptions, evaluator: Evaluator) -> dict[str, str]:
    """Model, data and options of a study, by name."""
    task, plan, material = options.task, options.plan, evaluator.material
    data, graph, board = material.dataset, material.graph, evaluator.meter.board
    constants = [graph.constants[name].values for name in sorted(graph.constants)]
    model = _digest(graph.nodes, *constants)
    samples = _digest(data.x, *_labels(material), data.x_test, data.y_test)
    target = _digest(board.memory, board.kernels, board.compiler)
    wanted = plan.limits.describe()
    return {
        "model": f"{graph.name} ({model})",
        "data": f"{task.data.name} ({samples})",
        "board": f"{board.name} ({target})",
        "goal": f"{', '.join(plan.costs)} {wanted}; {task.planning}",
        "training": f"{plan.epochs} epochs, {task.validation} of the training half for validation "
        f"({task.hold_out}), seed {task.seed}",
        "space": f"{', '.join(options.techniques)}; {'halving' if plan.halving else 'full'}",
    }


def _labels(material: Material) -> list[Array]:
    """The labels of all outputs."""
    return [each.targets.values for each in material.outputs]


def _digest(*values: Any) -> str:
    """A hash of arrays and records."""
    found = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            found.update(repr((value.shape, value.dtype)).encode())
            found.update(np.ascontiguousarray(value).tobytes())
        else:
            found.update(repr(value).encode())
    return found.hexdigest()[:12]


def _require_same(folder: Path, identity: Mapping[str, str]) -> None:
    mark = folder / _MARK
    try:
        known = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else dict(identity)
    except (OSError, ValueError) as error:
        raise OutputError(f"'{mark}' can't be read: {error}.", hint="Remove it.") from error
    for what, value in identity.items():
        if known.get(what) != value:
            raise TinycompError(
                f"The search in '{folder}' was started with another {what}: {known.get(what)}, not "
                f"{value}.",
                hint="Name another output folder.",
            )


def _study(options: SearchOptions, identity: Mapping[str, str], index: int) -> optuna.Study:
    """The study, with a sampler seeded differently from other workers and earlier runs."""
    study = open_study(_place(options), identity, 1 + len(options.plan.costs))
    with database(_place(options)):
        shift = index + 100 * len(study.get_trials(deepcopy=False))
    if options.storage is not None:
        shift += int(_digest(platform.node(), os.getpid(), time.time()), 16) % 10**9
    study.sampler = sampler(options.plan, shift)
    return study


def _space(
    study: optuna.Study, options: SearchOptions, evaluator: Evaluator, progress: Progress
) -> Space:
    """The search space, from the sensitivity measured by the first worker."""
    material = evaluator.material
    with database(_place(options)):
        known = study.user_attrs.get(_SENSITIVITY)
    if known is None:
        rows = evaluator.meter.held[:LOOKED_AT]
        samples = material.samples(rows)
        found = sensitivity.measure(material.graph, samples, material.logits, progress)
        known = json.dumps(sensitivity.plain(found))
        with database(_place(options)):
            study.set_user_attr(_SENSITIVITY, known)
    measured = sensitivity.of_plain(json.loads(known))
    return Space(measured, options.techniques, evaluator.training(options.task))


def _require_possible(options: SearchOptions, space: Space, evaluator: Evaluator) -> None:
    """Check that the narrowest structures meet the limits.

    Raises:
        TinycompError: they do not; the message has their costs. Or the model has no accuracy.
    """
    limits, counts = options.plan.limits, evaluator.material.counts
    if limits.accuracy is not None and counts.kind == "values":
        raise TinycompError(
            f"--min-accuracy {limits.accuracy} is only for classifiers; the task of this model is "
            f"{counts.targets.task}.",
            hint="Omit it.",
        )
    wanted = [name for name in COSTS if getattr(limits, name) is not None]
    if not wanted:
        return
    floors = []
    for recipe in space.narrowest():
        with suppress(RefusedError):
            floors.append(evaluator.floor(toml_text(recipe)))
    for name in wanted:
        least, limit = min(each.cost(name) for each in floors), getattr(limits, name)
        if limit < _SURELY * least:
            unit = {"flash": "bytes of flash without its weights", "ram": "bytes of RAM"}
            raise TinycompError(
                f"--max-{name} {limit:,.0f} is not possible: the narrowest candidate takes about "
                f"{least:,.0f} {unit.get(name, name)} on {evaluator.meter.board.name}.",
                hint="Allow more, or start from a smaller model.",
            )


def _worker(
    options: SearchOptions, study: optuna.Study, space: Space, evaluator: Evaluator,
    progress: Progress,
) -> Worker:  # fmt: skip
    box = Box(_whole(study, options, evaluator), options.plan.costs, options.plan.limits)
    return Worker(
        study, _place(options), space, options.plan, evaluator, options.output, progress, box
    )  # fmt: skip


def _whole(study: optuna.Study, options: SearchOptions, evaluator: Evaluator) -> Outcome:
    """The figures of the unchanged model in int8, measured by the first worker."""
    with database(_place(options)):
        known = study.user_attrs.get(_WHOLE)
    if known is None:
        known = json.dumps(evaluator.untrained("steps = []\n").values())
        with database(_place(options)):
            study.set_user_attr(_WHOLE, known)
    return Outcome.of(json.loads(known))


def _processes(options: SearchOptions, results: _Reporter, progress: Progress) -> None:
    """Run several worker processes."""
    context = multiprocessing.get_context("spawn")
    errors = context.SimpleQueue()
    workers = [
        context.Process(target=_work, args=(options, index, errors), daemon=True)
        for index in range(1, options.jobs + 1)
    ]
    with progress.stage(f"Training candidates in {options.jobs} processes"):
        for each in workers:
            each.start()
        try:
            while any(each.is_alive() for each in workers):
                time.sleep(_POLL)
                results.look()
        finally:
            for each in workers:
                each.terminate()
                each.join()
    if not errors.empty():
        raise TinycompError(errors.get())
    lost = [each for each in workers if each.exitcode]
    if len(lost) == len(workers):
        raise TinycompError(
            f"All {len(lost)} workers ended with code {lost[0].exitcode}.",
            hint="Finished candidates are kept. Use fewer --jobs if memory is short.",
        )
    for each in lost:
        progress.note(f"A worker ended with code {each.exitcode}; the others continued.")


def _work(options: SearchOptions, index: int, errors: Any) -> None:
    """Run a worker in this process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        evaluator = Evaluator.read(options.task, Silent())
        study = _study(options, _identity(options, evaluator), index)
        space = _space(study, options, evaluator, Silent())
        _worker(options, study, space, evaluator, Silent()).run()
    except TinycompError as error:
        errors.put(str(error))
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _end_with_parent() -> None:
    """Exit if the parent process is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _require_some(found: Results, options: SearchOptions) -> None:
    """Check that some candidate meets the limits.

    Raises:
        TinycompError: none does; the message has the closest one.
    """
    if found.front:
        return
    limits = options.plan.limits
    if not found.finished:
        reasons = sorted(set(found.refused.values()))
        raise TinycompError(
            f"None of {len(found.refused)} candidates is possible. {' '.join(reasons[:3])}",
            hint="Use other --techniques.",
        )
    nearest = min(found.finished, key=lambda each: limits.missed(each.outcome))
    raise TinycompError(
        f"None of {len(found.finished)} candidates meets the limits; the closest is "
        f"{nearest.number}: {outcome_line(nearest.outcome)}.",
        expected=f"Expected {limits.describe()}.",
        hint=f"Relax the limits, or use more --candidates or --epochs. All results are in "
        f"'{options.output}'.",
    )


def _place(options: SearchOptions) -> Storage:
    """The storage of the study."""
    url = options.storage or f"sqlite:///{(options.output / DATABASE).resolve()}"
    return Storage(url, options.study, options.beat, options.grace)
