/* AVERAGE_POOL_2D with one window over the whole input on Armv8.1-M with MVE: the portable kernel's start and end, with
 * vectorized sums. */
#ifndef TINYCOMP_AVERAGE_POOL_GLOBAL_MVE_H
#define TINYCOMP_AVERAGE_POOL_GLOBAL_MVE_H

#include "average_pool_global.h"
#include "sums_mve.h"

typedef tc_average_pool_global_t tc_average_pool_global_mve_t;

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x 4
 * bytes, aligned for int32_t. */
static void tc_average_pool_global_mve(const tc_average_pool_global_mve_t *op, const tc_input_t *in,
                                       const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_average_pool_global(op, in, out, first, first, scratch);
    for (uint16_t y = first; y < last; y++) {
        tc_sums_mve_add((int32_t *)(void *)scratch, tc_input_row(in, y), op->channels, op->width);
    }
    tc_average_pool_global(op, in, out, last, last, scratch);
}

#endif
