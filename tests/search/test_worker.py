"""What one of several workers does next."""

from __future__ import annotations

from typing import Any, cast

import optuna

from tinycomp.common.progress import Silent
from tinycomp.recipe_search.outcome import Outcome
from tinycomp.recipe_search.worker import RUNG, Worker

PREVIEW = Outcome("top-1", 0.9, 0.9, 1000, 100, 1e5, 1000, 1000, 4.0, 3, 1.0, "")


class Rival:
    """Proposes in order; another worker is faster with the first."""

    def __init__(self, study: optuna.Study) -> None:
        self.study = study
        self.begun: list[list[dict[str, Any]]] = []

    def next(self, known: object, begun: list[dict[str, Any]]) -> tuple[dict[str, Any], Outcome]:
        self.begun.append(begun)
        choices = {"values": "rate", "bits": float(4 >> len(begun))}
        if not begun:
            self.study.enqueue_trial({**choices, RUNG: 0})
        return choices, PREVIEW


def test_what_another_worker_began_is_not_begun_again() -> None:
    study = optuna.create_study()
    worker = Worker(study, *cast(Any, [None] * 5), Silent(), cast(Any, None))
    rival = worker.__dict__["proposals"] = Rival(study)
    worker._propose([])
    assert rival.begun == [[], [{"values": "rate", "bits": 4.0}]]
    asked = [each.system_attrs["fixed_params"] for each in study.get_trials()]
    assert [each["bits"] for each in asked] == [4.0, 2.0]
