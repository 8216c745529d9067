/* The mean of the rows that count by a mask, rounded half up. */
#ifndef TINYCOMP_COUNTED_MEAN_H
#define TINYCOMP_COUNTED_MEAN_H

#include "divisor.h"

typedef struct {
    uint16_t steps, channels;
    int8_t mask_zero;  /* rows where the second input is this do not count */
    int8_t zero_point; /* the mean of no rows */
} tc_counted_mean_t;

/* The one output row. Scratch: sums, int32. */
static void tc_counted_mean(const tc_counted_mean_t *constants, const tc_input_t *in, const tc_output_t *out,
                            uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_counted_mean_t, op, constants);
    int32_t *const sums = (int32_t *)(void *)scratch;
    int8_t *const to = tc_output_row(out, first);
    uint32_t count = 0;
    (void)last;
    for (size_t c = 0; c < op->channels; c++) {
        sums[c] = 0;
    }
    for (uint16_t y = 0; y < op->steps; y++) {
        const int8_t *const x = tc_input_row(in, y);
        if (*tc_input_row(&in[1], y) == op->mask_zero) {
            continue;
        }
        count++;
        for (size_t c = 0; c < op->channels; c++) {
            sums[c] += x[c];
        }
    }
    for (size_t c = 0; c < op->channels; c++) {
        to[c] = op->zero_point;
        if (count != 0u) {
            const uint32_t raised = (uint32_t)sums[c] + 128 * count + count / 2;
            to[c] = (int8_t)((int32_t)tc_divisor_quotient(raised, count, 8) - 128);
        }
    }
}

#endif
