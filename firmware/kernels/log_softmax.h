/* LOG_SOFTMAX over the last axis: int8 to int8 with scale 1/16 and zero point 127, in the fixed point arithmetic of
 * LiteRT's reference kernel. */
#ifndef TINYCOMP_LOG_SOFTMAX_H
#define TINYCOMP_LOG_SOFTMAX_H

#include "exponentials.h"
#include "tinycomp.h"

typedef struct {
    uint16_t width;              /* vectors per row */
    uint16_t channels;           /* values per vector */
    int16_t smallest_difference; /* smallest difference to the maximum that counts in the sum */
    int8_t shift, reverse_shift; /* of a difference to 26 fractional bits, and back */
    int32_t multiplier, reverse_multiplier;
} tc_log_softmax_t;

static inline int32_t tc_log_softmax_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* x * 2^shift, at most INT32_MAX; x > 0. */
static inline int32_t tc_log_softmax_raise(int32_t x, int shift)
{
    return x > (INT32_MAX >> shift) ? INT32_MAX : (int32_t)((uint32_t)x << shift);
}

static inline int tc_log_softmax_headroom(int32_t x)
{
    int headroom = 1; /* of the sign */
    for (; x < (int32_t)0x40000000; x *= 2) {
        headroom++;
    }
    return headroom;
}

/* The natural logarithm, with 26 fractional bits, of a number from 1 with 19 fractional bits: a quotient of polynomials
 * around the fourth root of one half. */
static int32_t tc_log_softmax_log(int32_t x)
{
    const int32_t centre = 1805811301, half_root = 1518500250; /* (1/2)^(1/4), (1/2)^(1/2) */
    const int32_t quarter = (int32_t)1 << 23, unit = (int32_t)1 << 25;
    const int headroom = tc_log_softmax_headroom(x);
    const int below = tc_log_softmax_headroom(tc_softmax_multiply(x, half_root)) - 1;
    const int32_t raised = (int32_t)((uint32_t)x << (headroom - 1));
    const int32_t first = tc_log_softmax_raise(tc_softmax_multiply(raised, half_root), 1);
    const int32_t ratio = tc_log_softmax_least(first, tc_log_softmax_raise(x, below));
    const int32_t one = (12 - headroom) * unit + quarter, other = (12 - below) * unit - quarter;
    const int32_t power = one > other ? one : other;
    const int32_t p = (int32_t)(((uint32_t)ratio + (uint32_t)centre + 1u) >> 1);
    const int32_t q = 2 * (ratio - centre);
    const int32_t square = tc_softmax_multiply(q, q);
    const int32_t tail = tc_softmax_multiply(tc_softmax_multiply(q, square), 117049297);
    const int32_t numerator = tc_softmax_multiply(q, ratio) + tail;
    const int32_t inner = 1057819769 + q + tc_softmax_multiply(square, 127690142);
    const int32_t denominator = tc_softmax_multiply(p, inner) + tc_softmax_multiply(q, 638450708);
    const int32_t reciprocal = tc_softmax_reciprocal(denominator);
    const int32_t quotient = tc_softmax_multiply(tc_rounding_shift_right(numerator, 6), reciprocal);
    return (tc_softmax_multiply(power, 1488522236) + quotient) * 2;
}

static void tc_log_softmax_vector(const tc_log_softmax_t *op, const int8_t *from, int8_t *to)
{
    int largest = -128;
    int32_t total = 0, logarithm, least;
    for (uint16_t c = 0; c < op->channels; c++) {
        largest = (from[c] > largest) ? from[c] : largest;
    }
    for (uint16_t c = 0; c < op->channels; c++) {
        const int difference = from[c] - largest;
        if (difference >= op->smallest_difference) {
            const int32_t fixed = tc_requantize(difference, op->multiplier, op->shift);
            total += tc_rounding_shift_right(tc_softmax_exp(fixed), 12);
        }
    }
    logarithm = tc_log_softmax_log(total);
    least = tc_requantize(logarithm - INT32_MAX - 1, op->reverse_multiplier, op->reverse_shift);
    if (least < op->smallest_difference - 1) {
        least = op->smallest_difference - 1;
    }
    for (uint16_t c = 0; c < op->channels; c++) {
        const int difference = from[c] - largest;
        int32_t value = -128;
        if (difference > least) {
            const int32_t fixed = tc_requantize(difference, op->multiplier, op->shift);
            value = tc_rounding_shift_right(fixed - logarithm, 22) + 127;
        }
        to[c] = tc_clamp(value, -128, 127);
    }
}

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_log_softmax(const tc_log_softmax_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_log_softmax_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->channels, to += op->channels) {
            tc_log_softmax_vector(op, from, to);
        }
    }
}

#endif
