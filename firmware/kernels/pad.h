/* Cells of the zero point around a tensor, on every axis. */
#ifndef TINYCOMP_PAD_H
#define TINYCOMP_PAD_H

#include "tinycomp.h"

typedef struct {
    uint16_t top;    /* rows before the input */
    uint16_t height; /* of the input */
    size_t left;     /* bytes before the first cell of a row */
    size_t right;    /* bytes behind the last cell of a row */
    size_t cells;    /* of an input row, each copied as a whole */
    size_t cell;     /* bytes */
    size_t before;   /* bytes before each cell */
    size_t after;    /* bytes behind each cell */
    int zero_point;
} tc_pad_t;

static inline int8_t *tc_pad_fill(int8_t *to, int value, size_t count)
{
    memset(to, value, count);
    return to + count;
}

/* Computes output rows [first, last). */
static void tc_pad(const tc_pad_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                   uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_pad_t, k, constants);
    uint16_t y;
    size_t i;
    (void)scratch;
    for (y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        const int8_t *from;
        if (y < k->top || y - k->top >= k->height) {
            memset(to, k->zero_point, k->left + k->cells * (k->before + k->cell + k->after) + k->right);
            continue;
        }
        from = tc_input_row(in, (uint16_t)(y - k->top));
        to = tc_pad_fill(to, k->zero_point, k->left);
        for (i = 0; i < k->cells; i++) {
            to = tc_pad_fill(to, k->zero_point, k->before);
            memcpy(to, from, k->cell);
            from += k->cell;
            to = tc_pad_fill(to + k->cell, k->zero_point, k->after);
        }
        tc_pad_fill(to, k->zero_point, k->right);
    }
}

#endif
