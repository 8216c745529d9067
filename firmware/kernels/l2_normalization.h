/* L2_NORMALIZATION: each vector divided by its length, to scale 1/128 and zero point 0. */
#ifndef TINYCOMP_L2_NORMALIZATION_H
#define TINYCOMP_L2_NORMALIZATION_H

#include "tinycomp.h"

typedef struct {
    uint16_t width;    /* vectors per row */
    uint16_t channels; /* values per vector */
    int8_t zero_point; /* of the input */
} tc_l2_normalization_t;

/* A factor, multiplier * 2^(shift - 31). */
typedef struct {
    int32_t multiplier;
    int shift;
} tc_l2_factor_t;

/* 1 / sqrt(value), by five Newton steps with 3 integer bits; values below 1 count as 1. */
static tc_l2_factor_t tc_l2_inverse_root(int32_t value)
{
    const int32_t three_halves = (int32_t)3 << 27, half_root = 1518500250; /* sqrt(1/2), a 31-bit fraction */
    int32_t root = (int32_t)1 << 28, quarter;
    tc_l2_factor_t found = {INT32_MAX, 0};
    int shift = 11;
    if (value <= 1) {
        return found;
    }
    while (value >= (int32_t)1 << 29) {
        value /= 4;
        shift++;
    }
    while (value < (int32_t)1 << 27) {
        value *= 4;
        shift--;
    }
    quarter = tc_rounding_shift_right(value >> 1, 1);
    for (unsigned i = 0; i < 5; i++) {
        const int32_t square = tc_rounding_doubling_high_multiply(root, root);
        const int32_t cube = tc_rounding_doubling_high_multiply(square, root) * 64;
        root = (tc_rounding_doubling_high_multiply(three_halves, root) -
                tc_rounding_doubling_high_multiply(quarter, cube)) *
               8;
    }
    found.multiplier = tc_rounding_doubling_high_multiply(root, half_root);
    if (shift < 0) {
        found.multiplier *= (int32_t)1 << -shift;
        shift = 0;
    }
    found.shift = -shift;
    return found;
}

static void tc_l2_normalization_vector(const tc_l2_normalization_t *op, const int8_t *from, int8_t *to)
{
    tc_l2_factor_t factor;
    int32_t sum = 0;
    for (uint16_t c = 0; c < op->channels; c++) {
        const int32_t x = from[c] - op->zero_point;
        sum += x * x;
    }
    factor = tc_l2_inverse_root(sum);
    for (uint16_t c = 0; c < op->channels; c++) {
        to[c] = tc_clamp(tc_requantize(from[c] - op->zero_point, factor.multiplier, factor.shift + 7), -128, 127);
    }
}

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_l2_normalization(const tc_l2_normalization_t *constants, const tc_input_t *in, const tc_output_t *out,
                                uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_l2_normalization_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->channels, to += op->channels) {
            tc_l2_normalization_vector(op, from, to);
        }
    }
}

#endif
