"""The generated tc_model.c, which describes a library to the harness."""

from __future__ import annotations

import pytest

from tinycomp.emit.library import harness_model


@pytest.mark.parametrize(
    ("prefix", "size", "profile", "input_format"),
    [
        ("kws", 490, "kws01", "INT8"),
        ("kws_ref_model_int8", 490, "kws01", "INT8"),
        ("vww_96_int8", 27648, "vww01", "UINT8"),
        ("ic_resnet8_int8", 3072, "ic01", "UINT8"),
        ("ad01_int8", 640, "ad01", "FLOAT32"),
        ("sww", 1200, "sww01", "INT8"),
        ("str_ww_ref_model", 1200, "sww01", "INT8"),
    ],
)
def test_benchmarks(prefix: str, size: int, profile: str, input_format: str) -> None:
    text, macro = harness_model(prefix), prefix.upper()
    reconstructs = profile == "ad01"
    also = f" && {macro}_OUTPUT_SIZE == {size}" if reconstructs else ""
    results = "SQUARED_ERROR" if reconstructs else "OUTPUT"
    chosen = (
        f"#if {macro}_INPUT_SIZE == {size}{also}\n"
        f'#define PROFILE "{profile}"\n#define FORMAT TC_INPUT_{input_format}\n'
        f"#define RESULTS TC_RESULTS_{results}\n"
    )
    other = (
        f'#else\n#define PROFILE "{prefix}"\n#define FORMAT TC_INPUT_INT8\n'
        "#define RESULTS TC_RESULTS_OUTPUT\n#endif\n"
    )
    assert chosen + other in text


@pytest.mark.parametrize("prefix", ["digits", "adder", "kwsy", "ice_cream"])
def test_other_models_keep_their_name(prefix: str) -> None:
    text = harness_model(prefix)
    assert f'#define PROFILE "{prefix}"\n#define FORMAT TC_INPUT_INT8\n' in text
    assert "_INPUT_SIZE ==" not in text
