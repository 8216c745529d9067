/* The maximum of each channel over all positions. Rows may arrive one by one: maxima stay in scratch between calls. */
#ifndef TINYCOMP_REDUCE_MAX_H
#define TINYCOMP_REDUCE_MAX_H

#include "tinycomp.h"

typedef struct {
    uint16_t height; /* input rows */
    uint16_t width;  /* positions per row */
    uint16_t channels;
} tc_reduce_max_t;

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels
 * bytes. */
static void tc_reduce_max(const tc_reduce_max_t *constants, const tc_input_t *in, const tc_output_t *out,
                          uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_reduce_max_t, op, constants);
    if (first == 0) {
        tc_fill(scratch, -128, op->channels);
    }
    for (uint16_t y = first; y < last; y++) {
        const int8_t *cell = tc_input_row(in, y);
        for (uint16_t x = 0; x < op->width; x++) {
            for (uint16_t c = 0; c < op->channels; c++) {
                if (cell[c] > scratch[c]) {
                    scratch[c] = cell[c];
                }
            }
            cell += op->channels;
        }
    }
    if (last == op->height) {
        tc_copy(tc_output_row(out, 0), scratch, op->channels);
    }
}

#endif
