/* A library as tinycomp would generate it, small enough to compute by hand: output[i] = sum of sample * weights[i]. */
#ifndef TINY_H
#define TINY_H

#include <stdint.h>

#define TINY_INPUT_SIZE 12
#define TINY_INPUT_SCALE 0.5f
#define TINY_INPUT_ZERO_POINT (1)
#define TINY_OUTPUT_SIZE 3
#define TINY_ARENA_SIZE 16

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int8_t bytes[TINY_ARENA_SIZE];
} tiny_arena_t;

void tiny_invoke(tiny_arena_t *arena, const int8_t *input, int8_t *output);

static inline int8_t *tiny_input(tiny_arena_t *arena)
{
    return arena->bytes;
}

static inline int8_t *tiny_output(tiny_arena_t *arena)
{
    return arena->bytes + TINY_INPUT_SIZE;
}

static inline int8_t tiny_quantize_input(float real)
{
    return (int8_t)real;
}

static inline float tiny_dequantize_output(int8_t quantized)
{
    return (float)quantized * 0.5f;
}

#ifdef __cplusplus
}
#endif

#endif
