/* The rows of the input that a window reads. */
#ifndef TINYCOMP_ROWS_MVE_H
#define TINYCOMP_ROWS_MVE_H

#include "tinycomp.h"

#define TC_ROWS_TALLEST 16u /* window */

/* Finds `count` rows from `top` on, `dilation` apart, of an input of `height` rows; NULL: beyond a border. */
static void tc_rows_mve_find(const tc_input_t *in, int32_t top, unsigned dilation, unsigned height, unsigned count,
                             const int8_t **rows)
{
    const size_t step = dilation * in->stride, size = TC_RING(in) * in->stride;
    const int8_t *row = NULL;
    for (const int8_t **const end = rows + count; rows != end; rows++, top += (int32_t)dilation) {
        *rows = NULL;
        if (top >= 0 && top < (int32_t)height) {
            row = row == NULL ? tc_input_row(in, (uint16_t)top) : row + step;
            while (!TC_NO_RINGS && row >= in->base + size) {
                row -= size;
            }
            *rows = row;
        }
    }
}

#endif
