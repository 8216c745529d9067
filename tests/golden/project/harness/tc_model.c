/* What the harness knows of golden, by tinycomp. Generated, do not edit. */
#include "model.h"

#define TC_INVOKE golden_invoke_watched
#define TC_STEP_BEGIN(node) tc_step_begin(node)
#define TC_STEP_END(node, tensor, offset, data, size) tc_step_end(node, tensor, offset, data, size)
#include "golden.c"

#define PROFILE "golden"
#define FORMAT TC_INPUT_INT8
#define RESULTS TC_RESULTS_OUTPUT
#define CELLS (GOLDEN_NODE_COUNT > GOLDEN_TENSOR_COUNT ? GOLDEN_NODE_COUNT : GOLDEN_TENSOR_COUNT)

static golden_arena_t arena;
static tc_trace_t trace[CELLS];

/* Input and output lie outside the arena: an inference overwrites what is in it, and `infer N` needs the input N
 * times. */
static int8_t input_values[GOLDEN_INPUT_SIZE];
static int8_t output_values[GOLDEN_OUTPUT_SIZE];

/* What `db` brings: floats need a place of their own, bytes become the input where they lie. */
static uint8_t floats[FORMAT == TC_INPUT_FLOAT32 ? 4 * sizeof input_values : 1];

static void invoke(void)
{
    golden_invoke(&arena, input_values, output_values);
}

static void invoke_watched(void)
{
    golden_invoke_watched(&arena, input_values, output_values);
}

static int8_t quantize_input(float x, uint32_t at)
{
#ifdef GOLDEN_INPUT_FEATURES
    return golden_quantize_input(x, (uint16_t)(at % GOLDEN_INPUT_FEATURES));
#else
    (void)at;
    return golden_quantize_input(x);
#endif
}

static float dequantize_input(int8_t quantized)
{
    return GOLDEN_INPUT_SCALE * (float)(quantized - GOLDEN_INPUT_ZERO_POINT);
}

const tc_model_t tc_model = {
    "golden",
    PROFILE,
    GOLDEN_MODEL_HASH,
    GOLDEN_GENERATOR_VERSION,
    GOLDEN_INPUT_SIZE,
    GOLDEN_OUTPUT_SIZE,
    GOLDEN_ARENA_SIZE,
    GOLDEN_SCRATCH_SIZE,
    GOLDEN_NODE_COUNT,
    GOLDEN_TENSOR_COUNT,
    FORMAT,
    FORMAT == TC_INPUT_FLOAT32 ? floats : (uint8_t *)input_values,
    FORMAT == TC_INPUT_FLOAT32 ? sizeof floats : sizeof input_values,
    input_values,
    output_values,
    trace,
    invoke,
    invoke_watched,
    quantize_input,
    golden_dequantize_output,
    dequantize_input,
    RESULTS,
};
