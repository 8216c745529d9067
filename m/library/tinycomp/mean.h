/* The mean of each channel over all positions. Rows may arrive one by one: sums stay in scratch between calls. */
#ifndef TINYCOMP_MEAN_H
#define TINYCOMP_MEAN_H

#include "tinycomp.h"

typedef struct {
    uint16_t height; /* input rows */
    uint16_t width;  /* positions per row */
    uint16_t channels;
    int32_t offset; /* initial value of each sum: -(input zero point) x height x width */
    int32_t multiplier;
    int8_t shift;
    int8_t zero_point; /* of the output */
} tc_mean_t;

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x 4
 * bytes, aligned for int32_t. */
static void tc_mean(const tc_mean_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                    uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mean_t, op, constants);
    int32_t *sums = (int32_t *)(void *)scratch;
    if (first == 0) {
        for (uint16_t c = 0; c < op->channels; c++) {
            sums[c] = op->offset;
        }
    }
    for (uint16_t y = first; y < last; y++) {
        const int8_t *cell = tc_input_row(in, y);
        for (uint16_t x = 0; x < op->width; x++) {
            for (uint16_t c = 0; c < op->channels; c++) {
                sums[c] += cell[c];
            }
            cell += op->channels;
        }
    }
    if (last == op->height) {
        int8_t *result = tc_output_row(out, 0);
        for (uint16_t c = 0; c < op->channels; c++) {
            result[c] = tc_clamp(tc_requantize(sums[c], op->multiplier, op->shift) + op->zero_point, -128, 127);
        }
    }
}

#endif
