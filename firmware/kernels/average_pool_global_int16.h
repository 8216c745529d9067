/* AVERAGE_POOL_2D of int16 with one window over the whole input. Rows may arrive one by one: sums stay in scratch
 * between calls. */
#ifndef TINYCOMP_AVERAGE_POOL_GLOBAL_INT16_H
#define TINYCOMP_AVERAGE_POOL_GLOBAL_INT16_H

#include "channel_sums_int16.h"
#include "division_int16.h"

typedef struct {
    uint16_t height; /* input rows */
    uint16_t width;  /* positions per row */
    uint16_t channels;
    int16_t activation_min, activation_max;
} tc_average_pool_global_int16_t;

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x
 * 4 bytes, aligned for int32_t. */
static void tc_average_pool_global_int16(const tc_average_pool_global_int16_t *constants, const tc_input_t *in,
                                         const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_average_pool_global_int16_t, op, constants);
    int32_t *const found = (int32_t *)(void *)scratch;
    tc_channel_sums_int16(in, first, last, op->width, op->channels, found);
    if (last == op->height) {
        int16_t *const to = tc_output_row_int16(out, 0);
        for (uint16_t c = 0; c < op->channels; c++) {
            to[c] = tc_division_int16(found[c], (uint32_t)op->height * op->width, op->activation_min,
                                      op->activation_max);
        }
    }
}

#endif
