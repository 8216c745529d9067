/* AVERAGE_POOL_2D with one window over the whole input. Rows may come one by one: sums stay in scratch between calls. */
#ifndef TINYCOMP_AVERAGE_POOL_GLOBAL_H
#define TINYCOMP_AVERAGE_POOL_GLOBAL_H

#include "average_pool_mean.h"
#include "tinycomp.h"

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x 4
 * bytes, aligned for int32_t. */
static void tc_average_pool_global(const tc_average_pool_global_t *constants, const tc_input_t *in,
                                   const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_average_pool_global_t, op, constants);
    int32_t *const sums = (int32_t *)(void *)scratch;
    if (first == 0) {
        memset(sums, 0, op->channels * sizeof(int32_t));
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
