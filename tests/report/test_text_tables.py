"""Tables of the terminal at many widths."""

from __future__ import annotations

import pytest
from sample_reports import full

from tinycomp.report.layer_table import layers, most_important, share_chart
from tinycomp.report.tables import Figures

ROWS = [("a_layer_with_a_long_name", "conv_2d", "1,234,567", "89"), ("b", "add", "12", "100")]
TABLE = Figures("T", ("layer", "operator"), ("MACs", "%"), ROWS, optional=("operator", "%"))


def shown(table: Figures, width: int) -> list[str]:
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    Console(width=width, file=text).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_names_are_cut_before_figures() -> None:
    wide, narrow = shown(TABLE, 80), shown(TABLE, 38)
    assert "a_layer_with_a_long_name" in wide[4]
    assert "a_layer_with_a_long_name" not in narrow[4]
    assert narrow[4].split()[-2:] == ["1,234,567", "89"]
    assert narrow[0].strip() == "T"


def test_a_column_that_is_left_out_is_named() -> None:
    lines = shown(TABLE, 30)
    assert lines[0].strip() == "T, too narrow for operator"
    assert lines[2].split() == ["layer", "MACs", "%"]
    assert lines[4].split()[-2:] == ["1,234,567", "89"]
    assert shown(TABLE, 22)[0].strip() == "T, too narrow for"
    assert shown(TABLE, 22)[1].strip() == "operator and %"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("make", [most_important, share_chart, lambda r: layers(r.layers)])
def test_no_line_is_wider_and_no_figure_is_cut(make, width) -> None:  # type: ignore[no-untyped-def]
    table = make(full())
    lines = shown(table, width)
    assert max(map(len, lines)) <= width
    whole = {cell for cells in table.table(500).columns[-1:] for cell in cells.cells}
    assert whole
    for cell in whole:
        assert any(line.rstrip().endswith(str(cell).rstrip()) for line in lines), cell


def test_a_table_without_names_has_figures_only() -> None:
    assert shown(Figures("T", (), ("a",), [("1",)]), 3)[0].strip() == "T"
