#include "tiny.h"

#include "tiny_weights.h"
#include "tinycomp/tinycomp.h"

#ifndef TC_INVOKE
#define TC_INVOKE tiny_invoke
#endif

void TC_INVOKE(tiny_arena_t *arena, const int8_t *input, int8_t *output)
{
    int8_t result[TINY_OUTPUT_SIZE];
    (void)arena;
    for (unsigned i = 0; i < TINY_OUTPUT_SIZE; i++) {
        int32_t sum = 0;
        for (unsigned j = 0; j < TINY_INPUT_SIZE; j++) {
            sum += input[j] * (int32_t)TC_READ_I8(&tiny_weights[i * TINY_INPUT_SIZE + j]);
        }
        result[i] = tc_clamp(sum, -128, 127);
    }
    memcpy(output, result, TINY_OUTPUT_SIZE);
}
