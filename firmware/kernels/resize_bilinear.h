/* RESIZE_BILINEAR: each output is a mean of four cells, with weights of 10 fractional bits, rounded half away from
 * zero. */
#ifndef TINYCOMP_RESIZE_BILINEAR_H
#define TINYCOMP_RESIZE_BILINEAR_H

#include "tinycomp.h"

typedef struct {
    uint16_t height, width; /* of the input */
    uint16_t columns;       /* of the output */
    uint16_t channels;
    int32_t down, right;             /* input cells to an output cell, with 10 fractional bits */
    int32_t first_down, first_right; /* where the first output cell lies in the input */
} tc_resize_bilinear_t;

#define TC_BILINEAR_ONE 1024

/* Two neighbouring cells, and the weight of the second one: below 0 or above TC_BILINEAR_ONE at a border. */
typedef struct {
    uint16_t low, high;
    int32_t share;
} tc_bilinear_place_t;

static inline tc_bilinear_place_t tc_bilinear_place(int32_t place, uint16_t size)
{
    const int32_t last = (int32_t)size - 1;
    const int32_t low = place < 0 ? 0 : place / TC_BILINEAR_ONE;
    const int32_t high = place < 0 ? 0 : (place + TC_BILINEAR_ONE - 1) / TC_BILINEAR_ONE;
    tc_bilinear_place_t found;
    found.share = place - TC_BILINEAR_ONE * low;
    found.low = (uint16_t)low;
    found.high = (uint16_t)(high > last ? last : high);
    return found;
}

static inline int8_t tc_bilinear_mean(int32_t sum)
{
    const int32_t half = (int32_t)1 << 19;
    return (int8_t)((sum > 0 ? sum + half : sum - half) / ((int32_t)1 << 20));
}

static void tc_resize_bilinear_row(const tc_resize_bilinear_t *op, const int8_t *above, const int8_t *below,
                                   int32_t share, int8_t *to)
{
    int32_t at = op->first_right;
    for (uint16_t x = 0; x < op->columns; x++, at += op->right) {
        const tc_bilinear_place_t place = tc_bilinear_place(at, op->width);
        const size_t left = (size_t)place.low * op->channels, right = (size_t)place.high * op->channels;
        const int32_t up = TC_BILINEAR_ONE - share, before = TC_BILINEAR_ONE - place.share;
        for (uint16_t c = 0; c < op->channels; c++) {
            const int32_t first = above[left + c] * up + below[left + c] * share;
            const int32_t second = above[right + c] * up + below[right + c] * share;
            *to++ = tc_bilinear_mean(first * before + second * place.share);
        }
    }
}

/* Output rows [first, last). No scratch. */
static void tc_resize_bilinear(const tc_resize_bilinear_t *constants, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_resize_bilinear_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const tc_bilinear_place_t place = tc_bilinear_place(op->first_down + y * op->down, op->height);
        tc_resize_bilinear_row(op, tc_input_row(in, place.low), tc_input_row(in, place.high), place.share,
                               tc_output_row(out, y));
    }
}

#endif
