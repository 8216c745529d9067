"""A report on the terminal: answers first, then the layers that matter, then what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType

from tinycomp.reference.compare import Verification
from tinycomp.report.advice import Origin, Step, next_steps
from tinycomp.report.answers import answers, verdict
from tinycomp.report.layer_table import layers, most_important, share_chart
from tinycomp.report.numbers import INTERRUPTS, show_metric
from tinycomp.report.record import AccuracyRecord, EstimateRecord, Report, StreamRecord
from tinycomp.report.tables import details


def summary(report: Report) -> RenderableType:
    """The answers in one table, under whether the model fits."""
    return details(f"{report.model.name}: {verdict(report)}", summary_rows(report))


def summary_rows(report: Report) -> Iterator[tuple[str, str]]:
    """What is shown, and its value, line by line."""
    for answer in answers(report):
        yield answer.question, ", ".join(filter(None, (answer.value, answer.detail)))
    if others := "; ".join(filter(None, map(_other_metrics, report.accuracies))):
        yield "Also", others
    if report.stream:
        yield "Stream", _stream(report.stream)
    latency = report.latency
    if latency and report.stand_in:
        yield "Counted on", f"{report.stand_in}, which stands in for {report.board}"
    if latency and latency.time and latency.time.why:
        yield "Estimate", latency.time.why
    if latency and latency.interrupts in INTERRUPTS:
        yield "Interrupts", INTERRUPTS[latency.interrupts]
    if latency and latency.estimate:
        yield from _cycles(latency.estimate)
    yield "Model", _model(report)


def _other_metrics(accuracy: AccuracyRecord) -> str:
    of = f" of {accuracy.output}" if accuracy.output else ""
    return ", ".join(
        f"{other.metric}{of} {show_metric(other.metric, other.int8)}"
        for other in accuracy.others
        if other.int8 is not None
    )


def _stream(stream: StreamRecord) -> str:
    return (
        f"{stream.hop} new row{'' if stream.hop == 1 else 's'} an inference, of a window of "
        f"{stream.window}; the output is that of a whole window from inference {stream.ready} on"
    )


def _cycles(estimate: EstimateRecord) -> Iterator[tuple[str, str]]:
    milliseconds = 1000 * estimate.cycles / estimate.clock
    yield (
        "Cycles",
        f"{estimate.cycles:,} cycles, {milliseconds:.1f} ms on {estimate.chip} at "
        f"{estimate.clock / 1e6:g} MHz ({estimate.least:,} to {estimate.most:,}); "
        f"{estimate.flash_waits:,} of them are flash wait states ({estimate.constant_waits:,} for "
        "constants). Computed, not measured on a chip",
    )
    counted = sorted(estimate.mix.items(), key=lambda item: -item[1])
    parts = (
        f"{kind.replace('_', ' ')} {100 * count / estimate.instructions:.0f} %"
        for kind, count in counted
        if count
    )
    yield "Executed", ", ".join(parts)


def _model(report: Report) -> str:
    model = report.model
    text = f"{model.macs:,} multiply-accumulates, {model.parameters:,} parameters"
    if report.weight_bytes:
        text += f" in {report.weight_bytes:,} bytes of weights, tables included"
    return text


def show(
    console: Console, report: Report, origin: Origin | None = None, *, verbose: bool = False
) -> None:
    """Print the report.

    Args:
        console: where to.
        report: of a build.
        origin: of the commands that come next; None: none are shown.
        verbose: whether all layers are shown, with the shares of each.
    """
    console.print(summary(report))
    if verbose:
        console.print(layers(report.layers, report.latency))
        console.print(share_chart(report))
    else:
        console.print(most_important(report))
    if origin is not None:
        show_steps(console, next_steps(report, origin))


def show_steps(console: Console, steps: Sequence[Step]) -> None:
    """Print what to do next, with commands that can be copied."""
    if not steps:
        return
    console.print("Next:")
    for step in steps:
        console.print(f"  {step.command}", soft_wrap=True)
        console.print(f"      {step.why}", style="dim")


def verification_content(found: Verification) -> dict[str, object]:
    """What was compared, for JSON."""
    return {
        "equal": found.equal,
        "executions": list(found.executions),
        "samples": found.samples,
        "tensors": found.tensors,
        "differences": [str(each) for each in found.differences],
    }


def show_verification(console: Console, found: Verification) -> None:
    """Print which executions were compared, on which inputs, and their first difference."""
    names = " = ".join(found.executions) if found.equal else ", ".join(found.executions)
    console.print(f"{names}: {found.tensors} tensors, {found.samples} samples")
    for difference in found.differences:
        console.print("Different:", style="red", end=" ")
        console.print(str(difference), soft_wrap=True)
    if found.equal:
        console.print("Equal in every byte of every tensor.")
