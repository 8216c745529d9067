/* A model whose inference is two loops of known instructions. */
#include "model.h"

#define TURNS 1000U
#define CONSTANTS 4096U
#define ALIGNED __attribute__((aligned(64)))

static ALIGNED const uint8_t constants[CONSTANTS] = {1};
static int8_t input_values[4];
static int8_t output[4];
static tc_trace_t trace[2];

/* A turn: 2 loads, 1 store, 2 multiplies, 1 division, 1 other and 1 branch, not taken in the last one. */
static void turn(uint32_t turns, uint32_t *words)
{
    __asm__ volatile(".syntax unified\n"
                     ".balign 16\n"
                     "1: ldr r2, [%1]\n"
                     " ldr r3, [%1, #4]\n"
                     " smlad r3, r2, r2, r3\n"
                     " mul r3, r2, r3\n"
                     " str r3, [%1]\n"
                     " udiv r2, r3, %0\n"
                     " subs %0, #1\n"
                     " bne 1b"
                     : "+l"(turns)
                     : "l"(words)
                     : "r2", "r3", "cc", "memory");
}

/* A turn: 1 load, 2 others and 1 branch. */
static void read(const uint8_t *bytes, const uint8_t *end)
{
    __asm__ volatile(".syntax unified\n"
                     "1: ldrb r2, [%0]\n"
                     " adds %0, #1\n"
                     " cmp %0, %1\n"
                     " bne 1b"
                     : "+l"(bytes)
                     : "l"(end)
                     : "r2", "cc");
}

static void invoke(void)
{
    uint32_t words[2] = {3, 5};
    turn(TURNS, words);
    read(constants, constants + CONSTANTS);
}

static int8_t *input(void)
{
    return input_values;
}

static uint8_t *received(void)
{
    return (uint8_t *)input_values;
}

static void store_input(float x, uint32_t at)
{
    input_values[at] = (int8_t)x;
}

static float real_output(uint32_t at)
{
    return (float)output[at];
}

static float real_input(uint32_t at)
{
    return (float)input_values[at];
}

const tc_model_t tc_model = {
    "loop",
    "loop",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0.0.1",
    4,
    4,
    4,
    4,
    0,
    0,
    1,
    2,
    TC_INPUT_INT8,
    received,
    sizeof input_values,
    input,
    true,
    output,
    trace,
    invoke,
    invoke,
    store_input,
    real_output,
    real_input,
    TC_RESULTS_OUTPUT,
};
