"""The command about reports; it imports heavy modules only when called."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tinycomp.cli.app import command, console, emit, errors, shown
from tinycomp.cli.options import ForceFile


def _limit(name: str, what: str) -> typer.models.OptionInfo:
    """An option for a limit of growth."""
    found: typer.models.OptionInfo = typer.Option(
        f"--max-{name}-growth",
        metavar="N|N%",
        help=f"With two builds: fail with exit code 1 if {what} grew by more.",
        show_default=False,
    )
    return found


@command()
def report(
    folder: Annotated[Path, typer.Argument(help="A folder of a build, or its report.json.")],
    before: Annotated[
        Path | None,
        typer.Argument(help="An earlier build to compare with, likewise.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write an HTML page: the report, or the comparison.",
            show_default=False,
        ),
    ] = None,
    max_flash_growth: Annotated[str | None, _limit("flash", "flash")] = None,
    max_ram_growth: Annotated[str | None, _limit("ram", "RAM")] = None,
    max_latency_growth: Annotated[str | None, _limit("latency", "the latency")] = None,
    force: ForceFile = False,
) -> None:
    """Show the report of a build, or compare it with an earlier build."""
    from tinycomp.common.errors import TinycompError
    from tinycomp.emit.folder import refuse_existing_file, write_file
    from tinycomp.report import terminal
    from tinycomp.report.comparison import FLASH, LATENCY, RAM, changes, exceeded, read_limit
    from tinycomp.report.comparison_table import comparison_table
    from tinycomp.report.html import html
    from tinycomp.report.page.compare import comparison_page
    from tinycomp.report.record import read_report, to_json

    typed = {
        FLASH: ("--max-flash-growth", max_flash_growth),
        RAM: ("--max-ram-growth", max_ram_growth),
        LATENCY: ("--max-latency-growth", max_latency_growth),
    }
    limits = {
        name: read_limit(text, option) for name, (option, text) in typed.items() if text is not None
    }
    if limits and before is None:
        option = next(option for option, text in typed.values() if text is not None)
        raise TinycompError(
            f"{option} needs a build to compare with.",
            expected="Expected two folders: tinycomp report NEW OLD.",
            hint="Name the earlier build, or its report.json, as the second argument.",
        )
    if output is not None:
        refuse_existing_file(output, force=force)
    new = read_report(folder)
    old = None if before is None else read_report(before)
    if before is None or old is None:
        emit(lambda: to_json(new))
        terminal.show(console, new, verbose=shown.verbose)
        page = html(new)
    else:
        names = str(before), str(folder)
        emit(lambda: [asdict(change) for change in changes(old, new)])
        console.print(comparison_table(names, old, new))
        page = comparison_page(names, old, new)
    if output is not None:
        write_file(output, page.encode(), force=force)
        console.print(f"Wrote {output}")
    failures = list(exceeded(changes(old, new), limits)) if old is not None else []
    for failure in failures:
        errors.print("Too large:", style="bold red", end=" ")
        errors.print(str(failure), soft_wrap=True)
    if failures:
        raise typer.Exit(1)
