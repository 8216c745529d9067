/* 2 / (1 + e^x) for x <= 0 with 15 fractional bits as gemmlowp computes it, in portable C: the reference that
 * two_over_one_plus_exp.h of every other instruction set must match. */
#ifndef TINYCOMP_TWO_OVER_ONE_PLUS_EXP_H
#define TINYCOMP_TWO_OVER_ONE_PLUS_EXP_H

#include "tinycomp.h"

/* Half of the product, rounded, without the saturation of -1 times -1: no caller has it. */
static inline int32_t tc_multiply_16(int32_t x, int32_t y)
{
    return (x * y + 0x4000) >> 15;
}

/* e^x for x <= 0 with 15 fractional bits, down to -128: a polynomial around -1/8 for the last quarter, which is never
 * beyond a fraction, and a factor for each bit of the number of quarters. */
static inline int32_t tc_exp_of_negative_16(int32_t x)
{
    static TC_CONST int16_t factors[] = {25520, 19875, 12055, 4435, 600, 11, 0}; /* e^-(2^i), i = -2 ... 4 */
    const int32_t y = (x & 8191) - 4096;
    const int32_t square = tc_multiply_16(y, y), cube = tc_multiply_16(square, y);
    const int32_t fourth = tc_multiply_16(square, square);
    const int32_t tail = tc_multiply_16(((fourth + 2) >> 2) + cube, 10923) + square;
    int32_t result = 28918 + tc_multiply_16(y + ((tail + 1) >> 1), 28918);
    if (x == 0) {
        return 32767;
    }
    if (x < -(32 * 32768)) {
        return 0;
    }
    const int16_t *factor = factors;
    for (uint32_t quarters = ~(uint32_t)(x >> 13); quarters != 0; quarters >>= 1, factor++) {
        if (quarters % 2 != 0) {
            result = tc_multiply_16(result, (int16_t)TC_READ_U16((const uint16_t *)(const void *)factor));
        }
    }
    return result;
}

/* A step of Newton-Raphson: it never leaves 16 bits. */
static inline int32_t tc_newton_16(int32_t half, int32_t guess)
{
    return guess + 4 * tc_multiply_16(guess, 8192 - tc_multiply_16(half, guess));
}

/* 2 / (1 + e^x), 13 fractional bits, of x <= 0 with 15: three steps. */
static __attribute__((noinline)) int32_t tc_two_over_one_plus_exp_16(int32_t x)
{
    const int32_t half = (tc_exp_of_negative_16(x) + 32768) >> 1;
    const int32_t guess = 23130 + tc_multiply_16(half, -15420);
    return tc_newton_16(half, tc_newton_16(half, tc_newton_16(half, guess)));
}

#endif
