/* golden: int8 inference by tinycomp 0.1.0. Generated, do not edit.
 *
 * Input 8x8x1, output 3.
 *
 * Memory: an arena has to be aligned as its type says; input and output may have any address. The stack that an
 * inference needs on the board that this was built for is in report.json (ram, stack).
 *
 * Tasks and interrupts: all state is in the arena, there is no lock, no heap and no call of the system. Tasks may run
 * inferences at the same time, each in an arena of its own. An inference may be interrupted, and an interrupt may run
 * one, in another arena, if its stack has room. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdint.h>

#define GOLDEN_GENERATOR_VERSION "0.1.0"
#define GOLDEN_MODEL_HASH "e7f4f8c3fca5ccb9bb12f10fbc47cf741da4c090c138c2a04c1aac7687e5e049"

/* Tensors lie in memory row by row, channels of a pixel side by side; a size is height x width x channels. */
#define GOLDEN_INPUT_HEIGHT 8
#define GOLDEN_INPUT_WIDTH 8
#define GOLDEN_INPUT_CHANNELS 1
#define GOLDEN_INPUT_SIZE 64
#define GOLDEN_OUTPUT_HEIGHT 1
#define GOLDEN_OUTPUT_WIDTH 1
#define GOLDEN_OUTPUT_CHANNELS 3
#define GOLDEN_OUTPUT_SIZE 3
#define GOLDEN_ARENA_SIZE 344 /* bytes: input, output, everything between, and scratch */
#define GOLDEN_SCRATCH_SIZE 0 /* bytes of the arena that lie beyond its tensors */

/* What bytes mean: real = scale * (quantized - zero point). Real values of the input are those that the model was
 * trained on; bytes that were made with another scale or zero point stand for others. */
#define GOLDEN_INPUT_SCALE 0.022211509f
#define GOLDEN_INPUT_ZERO_POINT (35)
#define GOLDEN_OUTPUT_SCALE 0.00390625f
#define GOLDEN_OUTPUT_ZERO_POINT (-128)

#define GOLDEN_NODE_COUNT 8
#define GOLDEN_TENSOR_COUNT 9

#ifdef __cplusplus
extern "C" {
#endif

/* All memory of one inference. Any number may exist; each serves one thread at a time. */
typedef union {
    int8_t bytes[GOLDEN_ARENA_SIZE];
    int32_t alignment;
} golden_arena_t;

/* One inference. input (GOLDEN_INPUT_SIZE values) and output (GOLDEN_OUTPUT_SIZE values) are the caller's: the
 * input is only read. To save their RAM they may also lie inside the arena, at golden_input() and
 * golden_output(); an input there is gone afterwards. */
void golden_invoke(golden_arena_t *arena, const int8_t *input, int8_t *output);

static inline int8_t *golden_input(golden_arena_t *arena)
{
    return arena->bytes + 196;
}

static inline int8_t *golden_output(golden_arena_t *arena)
{
    return arena->bytes + 0;
}

/* Conversions for the caller's convenience; the inference itself uses no floating point. */

/* Steps of GOLDEN_INPUT_SCALE from zero to an input byte: rounded half away from zero, saturated; NaN counts as zero. */
static inline int8_t golden_round_input(float steps)
{
    int32_t quantized = 0;
    if (steps >= 256.0f) {
        quantized = 256;
    } else if (steps <= -256.0f) {
        quantized = -256;
    } else if (steps > -256.0f) { /* not NaN */
        const int32_t halves = (int32_t)(2.0f * steps);
        quantized = (halves + (halves < 0 ? -1 : 1)) / 2;
    }
    quantized += GOLDEN_INPUT_ZERO_POINT;
    return (int8_t)(quantized < -128 ? -128 : quantized > 127 ? 127 : quantized);
}

static inline int8_t golden_quantize_input(float real)
{
    return golden_round_input(real / GOLDEN_INPUT_SCALE);
}

static inline float golden_dequantize_output(int8_t quantized)
{
    return GOLDEN_OUTPUT_SCALE * (float)(quantized - GOLDEN_OUTPUT_ZERO_POINT);
}

typedef char golden_assert_arena[sizeof(golden_arena_t) >= GOLDEN_ARENA_SIZE ? 1 : -1];

#ifdef __cplusplus
}
#endif

#endif
