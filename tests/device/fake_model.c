/* A model small enough to compute by hand (tests/device/test_protocol.py does), with rows that come interleaved, one
 * tensor whose halves come in the wrong order and one step that makes nothing yet. FORMAT: how `db` brings the input. */
#include <string.h>

#include "model.h"

#ifndef FORMAT
#define FORMAT TC_INPUT_INT8
#endif
#ifndef RESULTS
#define RESULTS TC_RESULTS_OUTPUT
#endif
#ifndef KEEPS_INPUT
#define KEEPS_INPUT 1 /* 0: an inference overwrites its input, as in little RAM */
#endif
#ifndef PROFILE
#define PROFILE "fake"
#endif

#define INPUT_SIZE 96
#define ROW 24
#define OUTPUT_SIZE 4
#define ELEMENT (FORMAT == TC_INPUT_FLOAT32 ? 4 : 1)

static uint8_t received_bytes[INPUT_SIZE * ELEMENT];
static int8_t floats_quantized[FORMAT == TC_INPUT_FLOAT32 ? INPUT_SIZE : 1];
static int8_t output[OUTPUT_SIZE];
static tc_trace_t trace[5];
static int8_t flipped[INPUT_SIZE];   /* tensor 1: input xor 0x55 */
static int8_t rising[INPUT_SIZE];    /* tensor 2: tensor 1 plus one */
static int8_t backwards[INPUT_SIZE]; /* tensor 3: tensor 2, reversed */

#define INPUT (FORMAT == TC_INPUT_FLOAT32 ? floats_quantized : (int8_t *)received_bytes)

static uint8_t *received(void)
{
    return received_bytes;
}

static int8_t *input(void)
{
    return INPUT;
}

typedef void (*begin_t)(uint16_t node);
typedef void (*end_t)(uint16_t node, uint16_t tensor, uint32_t offset, const int8_t *data, uint32_t size);

static void row(const int8_t *input, uint32_t at, begin_t begin, end_t end)
{
    begin(0);
    for (uint32_t i = at; i < at + ROW; i++) {
        flipped[i] = (int8_t)(input[i] ^ 0x55);
    }
    end(0, 1, at, flipped + at, ROW);
    begin(1);
    for (uint32_t i = at; i < at + ROW; i++) {
        rising[i] = (int8_t)((uint8_t)flipped[i] + 1U);
    }
    end(1, 2, at, rising + at, ROW);
}

static void infer(begin_t begin, end_t end)
{
    for (uint32_t at = 0; at < INPUT_SIZE; at += ROW) {
        row(INPUT, at, begin, end);
    }
    begin(2);
    for (uint32_t i = 0; i < INPUT_SIZE; i++) {
        backwards[i] = rising[INPUT_SIZE - 1U - i];
    }
    end(2, 3, 48, backwards + 48, 48);
    begin(2);
    end(2, 3, 0, backwards, 48);
    begin(3);
    memset(output, 0, sizeof output);
    end(3, 4, 0, output, 0);
    begin(3);
    for (uint32_t i = 0; i < INPUT_SIZE; i++) {
        output[i / ROW] = (int8_t)((uint8_t)output[i / ROW] + (uint8_t)backwards[i]);
    }
    end(3, 4, 0, output, OUTPUT_SIZE);
    if (!KEEPS_INPUT) {
        memset(INPUT, 0x11, INPUT_SIZE);
    }
}

static void no_begin(uint16_t node)
{
    (void)node;
}

static void no_end(uint16_t node, uint16_t tensor, uint32_t offset, const int8_t *data, uint32_t size)
{
    (void)node;
    (void)tensor;
    (void)offset;
    (void)data;
    (void)size;
}

/* A loop of two instructions a turn, or of four cycles on AVR: only the measured inference turns. */
static void turn(uint16_t turns)
{
#if defined(__AVR__)
    __asm__ volatile("1: sbiw %0, 1\n brne 1b" : "+w"(turns) : : "cc");
#elif defined(__arm__)
    __asm__ volatile(".syntax unified\n 1: subs %0, %0, #1\n bne 1b" : "+l"(turns) : : "cc");
#elif defined(__riscv) || defined(__XTENSA__)
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(turns));
#else
    (void)turns;
#endif
}

static void invoke(void)
{
    turn((uint16_t)(1U + 100U * (uint8_t)INPUT[0]));
    infer(no_begin, no_end);
}

static void stop_and_end(uint16_t node, uint16_t tensor, uint32_t offset, const int8_t *data, uint32_t size)
{
    tc_step_stop();
    tc_step_end(node, tensor, offset, data, size);
}

static void invoke_watched(void)
{
    infer(tc_step_begin, stop_and_end);
}

static void store_input(float x, uint32_t at) /* scale 0.5, zero point 3 */
{
    const float q = x * 2.0F + 3.0F;
    if (q != q) { /* NaN becomes the zero point */
        INPUT[at] = 3;
    } else {
        INPUT[at] = (int8_t)(q < -128.0F ? -128.0F : q > 127.0F ? 127.0F : q < 0.0F ? q - 0.5F : q + 0.5F);
    }
}

static float real_output(uint32_t at) /* scale 1/256, zero point -128 */
{
    return (float)(output[at] + 128) / 256.0F;
}

static float real_input(uint32_t at)
{
    return (float)(INPUT[at] - 3) * 0.5F;
}

const tc_model_t tc_model = {
    "fake",
    PROFILE,
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0.0.1",
    INPUT_SIZE,
    OUTPUT_SIZE,
    INPUT_SIZE,
    OUTPUT_SIZE,
    3 * INPUT_SIZE,
    0,
    4,
    5,
    FORMAT,
    received,
    sizeof received_bytes,
    input,
    KEEPS_INPUT,
    output,
    trace,
    invoke,
    invoke_watched,
    store_input,
    real_output,
    real_input,
    RESULTS,
};
