/* PAD: surrounds a tensor with the zero point, on every axis. */
#ifndef TINYCOMP_PAD_H
#define TINYCOMP_PAD_H

#include "tinycomp.h"

typedef struct {
    uint16_t top;    /* rows before the input */
    uint16_t height; /* of the input */
    size_t left;     /* padding bytes before the first cell of a row */
    size_t right;    /* padding bytes after the last cell of a row */
    size_t cells;    /* of an input row; each is contiguous */
    size_t cell;     /* bytes */
    size_t before;   /* padding bytes before each cell */
    size_t after;    /* padding bytes after each cell */
    int8_t zero_point;
} tc_pad_t;

static inline int8_t *tc_pad_fill(int8_t *to, int value, size_t count)
{
    tc_fill(to, value, count);
    return to + count;
}

/* Output rows [first, last). No scratch. */
static void tc_pad(const tc_pad_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                   uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_pad_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        const int8_t *from;
        if (y < op->top || y - op->top >= op->height) {
            tc_fill(to, op->zero_point, op->left + op->cells * (op->before + op->cell + op->after) + op->right);
            continue;
        }
        from = tc_input_row(in, (uint16_t)(y - op->top));
        to = tc_pad_fill(to, op->zero_point, op->left);
        for (size_t i = 0; i < op->cells; i++) {
            to = tc_pad_fill(to, op->zero_point, op->before);
            tc_copy(to, from, op->cell);
            from += op->cell;
            to = tc_pad_fill(to + op->cell, op->zero_point, op->after);
        }
        tc_pad_fill(to, op->zero_point, op->right);
    }
}

#endif
