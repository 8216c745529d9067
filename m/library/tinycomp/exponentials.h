/* Exponentials and reciprocals in fixed point, as softmaxes take them. Products are rounded products of 31-bit
 * fractions. */
#ifndef TINYCOMP_EXPONENTIALS_H
#define TINYCOMP_EXPONENTIALS_H

#include "tinycomp.h"

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

#endif
