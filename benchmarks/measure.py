"""Measures one case: builds it, compares all executions, times one inference on the emulated
board.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.cases import Case, Target, model_path, peers, published_cycles
from benchmarks.results import Cycles, Peer, Row
from tinycomp import folder_checks, pipeline
from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Silent
from tinycomp.options.build import PlanOptions, Preparation
from tinycomp.report.record import EstimateRecord, Report
from tinycomp.target.boards import load_board


def measure(target: Target, case: Case, shared: Path) -> Row:
    """Figures of a case, with those of the board's peer if it is not compressed.

    Raises:
        TinycompError: executions differ, or something could not be measured here.
    """
    report, estimate = build(model_path(case.model, shared), case)
    return replace(
        row_of(report),
        peer=_peer(target, case, shared) if case.bits is None else None,
        cycles=None if estimate is None else _cycles(estimate, case, shared),
    )


def row_of(report: Report) -> Row:
    """The figures of a measured build.

    Raises:
        TinycompError: something could not be measured here.
    """
    latency, flash, ram = report.latency, report.flash, report.ram
    if latency is None or flash is None or ram is None or ram.stack is None:
        name = f"{report.model.name} on {report.board}"
        raise TinycompError(f"{name} was not measured: {'; '.join(report.notes)}")
    used = ram.arena + ram.scratch + ram.stack
    return Row(report.model.macs, latency.value, flash.code, flash.constants, used)


def build(model: Path, case: Case) -> tuple[Report, EstimateRecord | None]:
    """The report of a complete build, with cycles if the board has a [silicon] section."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        wanted = Preparation(model, codebook_bits=case.bits, name=case.model)
        options = pipeline.BuildOptions(
            wanted, case.board, out, samples=1, planning=PlanOptions(case.optimize)
        )
        report = pipeline.build(options, Silent())
        if load_board(case.board).silicon is None:
            return report, None
        estimated = folder_checks.bench(out, None, None, Silent(), estimate_cycles=True).latency
    assert estimated is not None
    return report, estimated.estimate


def _peer(target: Target, case: Case, shared: Path) -> Peer | None:
    figures = peers(shared).get(case.board, {}).get(target.peer, {}).get(case.model)
    if figures is None:
        return None
    flash = figures["code"] + figures["constants"]
    return Peer(figures["instructions"], flash, figures["ram"])


def _cycles(found: EstimateRecord, case: Case, shared: Path) -> Cycles:
    published = (None, None) if case.bits else published_cycles(case.model, shared)
    return Cycles(
        found.cycles, found.least, found.most, found.flash_waits, *(published or (None, None))
    )
