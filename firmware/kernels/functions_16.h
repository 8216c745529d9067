/* Sigmoid and tanh of int16 values as gemmlowp computes them. A format has a number of integer bits, and 15 minus that
 * many fractional bits; results have 15 fractional bits. */
#ifndef TINYCOMP_FUNCTIONS_16_H
#define TINYCOMP_FUNCTIONS_16_H

#include "tinycomp.h"

static inline int32_t tc_saturate_16(int32_t x)
{
    return x < -32768 ? -32768 : x > 32767 ? 32767 : x;
}

/* Half of the product, rounded, without the saturation of -1 times -1: no caller has it. */
static inline int32_t tc_multiply_16(int32_t x, int32_t y)
{
    return (x * y + 0x4000) >> 15;
}

/* e^x for x <= 0: a polynomial around -1/8 for the last quarter, and a factor for each bit of the rest. */
static int32_t tc_exp_of_negative_16(int32_t x, int integer_bits)
{
    static TC_CONST int16_t factors[] = {25520, 19875, 12055, 4435, 600, 11, 0}; /* e^-(2^i), i = -2 ... 4 */
    const int32_t quarter = (int32_t)1 << (13 - integer_bits);
    int32_t rest = (x & (quarter - 1)) - quarter, result;
    const int32_t y = rest * ((int32_t)1 << integer_bits) + 4096;
    const int32_t square = tc_multiply_16(y, y), cube = tc_multiply_16(square, y);
    const int32_t fourth = tc_multiply_16(square, square);
    int32_t tail = tc_multiply_16(tc_rounding_shift_right(fourth, 2) + cube, 10923) + square;
    if (x == 0) {
        return 32767;
    }
    if (integer_bits > 5 && x < -((int32_t)32 << (15 - integer_bits))) {
        return 0;
    }
    tail = tc_rounding_shift_right(tail, 1);
    result = tc_saturate_16(28918 + tc_multiply_16(y + tail, 28918));
    rest -= x;
    for (int i = 0; i < integer_bits + 2 && i < 7; i++) {
        if ((rest & (quarter << i)) != 0) {
            result = tc_multiply_16(result, (int16_t)TC_READ_U16((const uint16_t *)(const void *)&factors[i]));
        }
    }
    return result;
}

/* 2 / (1 + x) for 0 <= x < 1, 13 fractional bits: three Newton-Raphson steps. */
static int32_t tc_two_over_one_plus_16(int32_t x)
{
    const int32_t half = (x + 32768) >> 1;
    int32_t guess = 23130 + tc_multiply_16(half, -15420);
    for (int i = 0; i < 3; i++) {
        guess += tc_saturate_16(4 * tc_multiply_16(guess, 8192 - tc_multiply_16(half, guess)));
    }
    return guess;
}

/* Of a number with 3 integer bits. */
static inline int32_t tc_sigmoid_16(int32_t x)
{
    const int32_t positive = tc_saturate_16(2 * tc_two_over_one_plus_16(tc_exp_of_negative_16(x > 0 ? -x : x, 3)));
    return x == 0 ? 16384 : x > 0 ? positive : 32767 - positive;
}

/* Of a number with 0 to 6 integer bits. */
static inline int32_t tc_tanh_16(int32_t x, int integer_bits)
{
    const int32_t exponential = tc_exp_of_negative_16(x < 0 ? x : -x, integer_bits + 1);
    const int32_t size = tc_saturate_16(4 * (tc_two_over_one_plus_16(exponential) - 8192));
    return x == 0 ? 0 : x < 0 ? -size : size;
}

#endif
