#include "model.h"
#include "tiny.h"

static tiny_arena_t arena;
static int8_t input_values[TINY_INPUT_SIZE];
static int8_t output[TINY_OUTPUT_SIZE];
static tc_trace_t trace[2];

static int8_t *input(void)
{
    return input_values;
}

static uint8_t *received(void)
{
    return (uint8_t *)input_values;
}

static void invoke(void)
{
    tiny_invoke(&arena, input_values, output);
}

static void invoke_watched(void)
{
    tc_step_begin(0);
    tiny_invoke(&arena, input_values, output);
    tc_step_stop();
    tc_step_end(0, 1, 0, output, TINY_OUTPUT_SIZE);
}

static void store_input(float real, uint32_t at)
{
    input_values[at] = tiny_quantize_input(real);
}

static float real_output(uint32_t at)
{
    return tiny_dequantize_output(output[at]);
}

static float real_input(uint32_t at)
{
    return tiny_dequantize_output(input_values[at]);
}

const tc_model_t tc_model = {
    "tiny",           "tiny01",         "0123",          "0.0.1",
    TINY_INPUT_SIZE,  TINY_OUTPUT_SIZE, TINY_INPUT_SIZE, TINY_OUTPUT_SIZE,
    TINY_ARENA_SIZE,  0,                1,               2,
    TC_INPUT_INT8,    received,         TINY_INPUT_SIZE, input,
    true,             output,           trace,           invoke,
    invoke_watched,   store_input,      real_output,     real_input,
    TC_RESULTS_OUTPUT,
};
