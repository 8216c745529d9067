/* Means of int8 values, rounded half away from zero, without a division per mean. */
#ifndef TINYCOMP_DIVISOR_H
#define TINYCOMP_DIVISOR_H

#include "tinycomp.h"

/* Up to this many values, a sum fits into 16 bits and its product with the factor into 32. */
#define TC_DIVISOR_MOST 256u

/* Division by the number of values in a sum. A sum plus `positive` (`negative` if the sum is below 0) has 128 added per
 * value, and the rounding; divided by the count, less 128, it is the mean. */
typedef struct {
    uint32_t count;
    uint32_t factor; /* x / count == (x * factor) >> 24, up to 255.5 * count; 0: more than TC_DIVISOR_MOST */
    int32_t positive, negative;
    int8_t low, high; /* bounds of the mean */
} tc_divisor_t;

/* x / count, a quotient of `bits` bits. */
static __attribute__((noinline)) uint32_t tc_divisor_quotient(uint32_t x, uint32_t count, unsigned bits)
{
    uint32_t quotient = 0;
    while (bits-- > 0) {
        if ((x >> bits) >= count) {
            x -= count << bits;
            quotient |= (uint32_t)1 << bits;
        }
    }
    return quotient;
}

/* 2^24 / count, rounded down: the factor for tc_divisor_set. */
static inline uint32_t tc_divisor_reciprocal(uint32_t count)
{
    return tc_divisor_quotient((uint32_t)1 << 24, count, 25);
}

static inline void tc_divisor_set(tc_divisor_t *divisor, uint32_t count, uint32_t reciprocal)
{
    divisor->count = count;
    divisor->factor = count <= TC_DIVISOR_MOST ? reciprocal + 1 : 0;
    divisor->positive = (int32_t)(128 * count + count / 2);
    divisor->negative = divisor->positive - (count % 2 == 0);
}

/* The mean plus 128, for a sum of at most TC_DIVISOR_MOST values. */
static inline uint32_t tc_divisor_raised(const tc_divisor_t *divisor, int32_t sum)
{
    const uint32_t x = (uint32_t)(sum + (sum < 0 ? divisor->negative : divisor->positive));
    return (x * divisor->factor) >> 24;
}

/* The mean, for a sum of any number of values. */
static inline int8_t tc_divisor_mean(const tc_divisor_t *divisor, int32_t sum)
{
    const uint32_t x = (uint32_t)(sum + (sum < 0 ? divisor->negative : divisor->positive));
    const uint32_t mean = divisor->factor != 0 ? (x * divisor->factor) >> 24
                                               : tc_divisor_quotient(x, divisor->count, 8);
    return tc_clamp((int32_t)mean - 128, divisor->low, divisor->high);
}

#endif
