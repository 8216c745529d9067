/* 2 / (1 + e^x) on Armv7E-M; see generic/two_over_one_plus_exp.h for the function. A rounded product of two fractions of
 * 15 bits is the rounded high word of one times 2^17 and the other: SMMULR. Where a factor has more than 14 bits, one is
 * taken times 2^16 and the other doubled. */
#ifndef TINYCOMP_TWO_OVER_ONE_PLUS_EXP_H
#define TINYCOMP_TWO_OVER_ONE_PLUS_EXP_H

#include "dsp.h"

/* e^x with 15 fractional bits. */
static inline int32_t tc_exp_of_negative_16(int32_t x)
{
    static TC_CONST int32_t factors[] = {25520 << 16, 19875 << 16, 12055 << 16, 4435 << 16, 600 << 16, 11 << 16, 0};
    const int32_t y = (x & 8191) - 4096, wide = y * (1 << 17);
    const int32_t square = tc_smmulr(wide, y), cube = tc_smmulr(wide, square);
    const int32_t fourth = tc_smmulr(square << 17, square);
    const int32_t tail = tc_smmulr(((fourth + 2) >> 2) + cube, 10923 << 17) + square;
    int32_t doubled = 2 * (28918 + tc_smmulr(2 * y + 2 * ((tail + 1) >> 1), 28918 << 16));
    if (x == 0) {
        return 32767;
    }
    if (x < -(32 * 32768)) {
        return 0;
    }
    const int32_t *factor = factors;
    for (uint32_t quarters = ~(uint32_t)(x >> 13); quarters != 0; quarters >>= 1, factor++) {
        if (quarters % 2 != 0) {
            doubled = 2 * tc_smmulr(doubled, *factor);
        }
    }
    return doubled >> 1;
}

/* A step of Newton-Raphson, of twice the guess. */
static inline int32_t tc_newton_16(int32_t wide, int32_t doubled)
{
    return doubled + 8 * tc_smmulr(doubled, (8192 - tc_smmulr(wide, doubled)) * 65536);
}

/* 13 fractional bits, of x <= 0 with 15: three steps. */
static __attribute__((noinline)) int32_t tc_two_over_one_plus_exp_16(int32_t x)
{
    const int32_t wide = ((tc_exp_of_negative_16(x) + 32768) >> 1) * 65536;
    const int32_t doubled = 2 * (23130 + tc_smmulr(wide, -30840));
    return tc_newton_16(wide, tc_newton_16(wide, tc_newton_16(wide, doubled))) >> 1;
}

#endif
