/* SOFTMAX over the last axis: int8 to int8 with scale 1/256 and zero point -128, in the fixed point arithmetic of
 * LiteRT's reference kernel. Products are rounded products of 31-bit fractions. */
#ifndef TINYCOMP_SOFTMAX_H
#define TINYCOMP_SOFTMAX_H

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

static int32_t tc_softmax_multiply(int32_t a, int32_t b)
{
    return tc_rounding_doubling_high_multiply(a, b);
}

/* e^-(2^i) for i = -2 ... 4. */
static TC_CONST int32_t tc_softmax_factors[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

/* e^x for x <= 0 with 26 fractional bits, as a 31-bit fraction: a polynomial of degree 4 around -1/8 for the remainder
 * modulo 1/4, then one factor for each bit above it. */
static int32_t tc_softmax_exp(int32_t x)
{
    const int32_t quarter = 0x1000000;
    const int32_t centre = 1895147668; /* e^(-1/8) */
    const int32_t part = (x & (quarter - 1)) - quarter;
    const int32_t rest = part - x;
    const int32_t t = (part * 32) + 0x10000000;
    const int32_t square = tc_softmax_multiply(t, t);
    const int32_t cube = tc_softmax_multiply(square, t);
    const int32_t fourth = tc_softmax_multiply(square, square);
    const int32_t third = 715827883; /* 1/3 */
    const int32_t tail = tc_softmax_multiply(tc_rounding_shift_right(fourth, 2) + cube, third) + square;
    int32_t result = centre + tc_softmax_multiply(centre, t + tc_rounding_shift_right(tail, 1));
    if (x == 0) {
        return INT32_MAX;
    }
    for (unsigned i = 0; i < 7; i++) {
        if (((uint32_t)rest & ((uint32_t)quarter << i)) != 0u) {
            result = tc_softmax_multiply(result, TC_READ_I32(&tc_softmax_factors[i]));
        }
    }
    return result;
}

/* 1 / (1 + x) for a fraction 0 <= x < 1: three Newton-Raphson steps with 2 integer and 29 fractional bits. */
static int32_t tc_softmax_reciprocal(int32_t x)
{
    const int32_t half = (int32_t)(((uint32_t)x + 0x80000000u) >> 1);
    int32_t guess = 1515870810 + tc_softmax_multiply(half, -1010580540); /* 48/17 - 32/17 * half */
    for (unsigned i = 0; i < 3; i++) {
        const int32_t error = 0x20000000 - tc_softmax_multiply(half, guess);
        guess += tc_softmax_multiply(guess, error) * 4;
    }
    return (guess > (INT32_MAX / 2)) ? INT32_MAX : (guess * 2);
}

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
static void tc_softmax(const tc_softmax_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
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
