/* AVERAGE_POOL_2D with one window over the whole input. Rows may arrive one by one: sums stay in scratch between
 * calls. */
#ifndef TINYCOMP_AVERAGE_POOL_GLOBAL_H
#define TINYCOMP_AVERAGE_POOL_GLOBAL_H

#include "tinycomp.h"

typedef struct {
    uint16_t height; /* input rows */
    uint16_t width;  /* positions per row */
    uint16_t channels;
    int8_t activation_min, activation_max;
    uint32_t reciprocal; /* of height * width: x / cells = x * reciprocal >> (31 + reciprocal_shift) */
    uint8_t reciprocal_shift;
} tc_average_pool_global_t;

/* The rounded mean of all cells, within the bounds. */
static inline int8_t tc_average_pool_mean(const tc_average_pool_global_t *op, int32_t sum)
{
    const uint32_t half = (uint32_t)op->height * op->width / 2;
    const uint32_t magnitude = (uint32_t)((sum < 0) ? -sum : sum) + half;
    const uint32_t product = (uint32_t)(((uint64_t)magnitude * op->reciprocal) >> 31);
    const int32_t mean = (int32_t)(product >> op->reciprocal_shift);
    return tc_clamp((sum < 0) ? -mean : mean, op->activation_min, op->activation_max);
}

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x 4
 * bytes, aligned for int32_t. */
static __attribute__((unused)) void tc_average_pool_global(const tc_average_pool_global_t *constants,
                                                           const tc_input_t *in, const tc_output_t *out, uint16_t first,
                                                           uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_average_pool_global_t, op, constants);
    int32_t *const sums = (int32_t *)(void *)scratch;
    if (first == 0) {
        tc_fill(sums, 0, op->channels * sizeof(int32_t));
    }
    for (uint16_t y = first; y < last; y++) {
        const int8_t *cell = tc_input_row(in, y);
        for (uint16_t x = 0; x < op->width; x++) {
            for (uint16_t c = 0; c < op->channels; c++) {
                sums[c] += *cell++;
            }
        }
    }
    if (last == op->height) {
        int8_t *to = tc_output_row(out, 0);
        for (uint16_t c = 0; c < op->channels; c++) {
            *to++ = tc_average_pool_mean(op, sums[c]);
        }
    }
}

#endif
