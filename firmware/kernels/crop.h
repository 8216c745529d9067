/* Cropping: rows, cells and channels are cut off at the ends. */
#ifndef TINYCOMP_CROP_H
#define TINYCOMP_CROP_H

#include "tinycomp.h"

typedef struct {
    uint16_t top; /* rows cut off before the first */
    size_t first; /* bytes to skip at the start of an input row */
    size_t cells; /* of an output row; each is contiguous */
    size_t cell;  /* bytes */
    size_t step;  /* bytes from one input cell to the next */
} tc_crop_t;

/* Output rows [first, last). No scratch. */
static void tc_crop(const tc_crop_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                    uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_crop_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, (uint16_t)(y + op->top)) + op->first;
        int8_t *to = tc_output_row(out, y);
        for (size_t i = 0; i < op->cells; i++, from += op->step, to += op->cell) {
            memcpy(to, from, op->cell);
        }
    }
}

#endif
