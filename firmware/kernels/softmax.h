/* SOFTMAX over the last axis: int8 to int8 with scale 1/256 and zero point -128, in the fixed point arithmetic of
 * LiteRT's reference kernel. Products are rounded products of 31-bit fractions. */
#ifndef TINYCOMP_SOFTMAX_H
#define TINYCOMP_SOFTMAX_H

#include "exponentials.h"
#include "tinycomp.h"

typedef struct {
    uint16_t width;              /* vectors per row */
    uint16_t channels;           /* values per vector */
    int16_t smallest_difference; /* smallest difference to the maximum; anything below counts as minus infinity */
    uint8_t shift;               /* a difference, shifted left and times the multiplier, has 26 fractional bits */
    int32_t multiplier;
} tc_softmax_t;

/* Cap of the sum of exponentials, 512: beyond it every output is less than half a step. */
#define TC_SOFTMAX_MOST ((uint32_t)1 << 28)

/* e^(the real value of a difference). */
static int32_t tc_softmax_exp_of(const tc_softmax_t *op, int difference)
{
    return tc_softmax_exp(tc_softmax_multiply(difference * ((int32_t)1 << op->shift), op->multiplier));
}

static void tc_softmax_vector(const tc_softmax_t *op, const int8_t *from, int8_t *to)
{
    int largest = -128;
    uint32_t total = 0; /* 12 integer bits, 19 fractional; stops at 512 */
    int headroom = 0;
    int32_t scale;
    for (uint16_t c = 0; c < op->channels; c++) {
        largest = (from[c] > largest) ? from[c] : largest;
    }
    for (uint16_t c = 0; c < op->channels; c++) {
        const int difference = from[c] - largest;
        if ((difference >= op->smallest_difference) && (total < TC_SOFTMAX_MOST)) {
            total += (uint32_t)tc_rounding_shift_right(tc_softmax_exp_of(op, difference), 12);
        }
    }
    for (; !(total & 0x80000000u); headroom++) {
        total <<= 1;
    }
    scale = tc_softmax_reciprocal((int32_t)(total - 0x80000000u));
    for (uint16_t c = 0; c < op->channels; c++) {
        const int difference = from[c] - largest;
        int32_t value = 0;
        if ((difference >= op->smallest_difference) && (headroom > 3)) { /* else all are below 1/512: 0 */
            value = tc_softmax_multiply(scale, tc_softmax_exp_of(op, difference));
            value = tc_rounding_shift_right(value, 35 - headroom);
        }
        to[c] = (int8_t)((value > 255) ? 127 : (value - 128));
    }
}

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static __attribute__((unused)) void tc_softmax(const tc_softmax_t *constants, const tc_input_t *in,
                                               const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_softmax_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->channels, to += op->channels) {
            tc_softmax_vector(op, from, to);
        }
    }
}

#endif
