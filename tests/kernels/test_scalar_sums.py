"""The scalar addition's constants fit their types, also where every output saturates."""

from __future__ import annotations

import pytest
from conformance import Case, cases_of

from tinycomp.plan.program import lower


@pytest.mark.parametrize("known", cases_of("add"), ids=lambda known: known.name)
def test_offsets_are_int32(known: Case) -> None:
    for operation in lower(known.graph, kernels="scalar").operations:
        offset = operation.fields.get("offset", 0)
        assert isinstance(offset, int)
        assert -(1 << 31) <= offset < 1 << 31
