/* The mean of each channel over all positions. Rows may come one by one: sums stay in scratch between calls. */
#ifndef TINYCOMP_MEAN_H
#define TINYCOMP_MEAN_H

#include "tinycomp.h"

typedef struct {
    uint16_t height; /* input rows */
    uint16_t width;  /* positions a row */
    uint16_t channels;
    int32_t offset; /* what each sum starts with: -(input zero point) x height x width */
    int32_t multiplier;
    int shift;
    int32_t zero_point; /* of the output */
} tc_mean_t;

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x 4
 * bytes, aligned for int32_t. */
static void tc_mean(const tc_mean_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                    uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mean_t, k, constants);
    int32_t *sums = (int32_t *)(void *)scratch;
    uint16_t x, y, c;
    if (first == 0) {
        for (c = 0; c < k->channels; c++) {
            sums[c] = k->offset;
        }
    }
    for (y = first; y < last; y++) {
        const int8_t *cell = tc_input_row(in, y);
        for (x = 0; x < k->width; x++) {
            for (c = 0; c < k->channels; c++) {
                sums[c] += cell[c];
            }
            cell += k->channels;
        }
    }
    if (last == k->height) {
        int8_t *result = tc_output_row(out, 0);
        for (c = 0; c < k->channels; c++) {
            result[c] = tc_clamp(tc_requantize(sums[c], k->multiplier, k->shift) + k->zero_point, -128, 127);
        }
    }
}

#endif
