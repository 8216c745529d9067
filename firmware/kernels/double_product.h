/* The product of an integer and a double-precision number, rounded to an integer half away from zero, in integers: on
 * every core the number that a double-precision unit computes. */
#ifndef TINYCOMP_DOUBLE_PRODUCT_H
#define TINYCOMP_DOUBLE_PRODUCT_H

#include "tinycomp.h"

/* (upper + lower * 2^-22) * 2^-shift; upper has 31 bits, lower 22; shift is from 24 to 62. */
typedef struct {
    uint32_t upper, lower;
    int shift;
} tc_double_t;

/* The number of bits of x, which is not 0. */
static inline int tc_double_bits(uint64_t x)
{
    int bits = 0;
    while (x != 0) {
        x >>= 1;
        bits++;
    }
    return bits;
}

/* magnitude * factor, rounded to 53 bits and then to an integer: adding half a unit of the product's last place first
 * has the same effect, as only values right below a half are concerned. magnitude is from 1 to 2^47. */
static __attribute__((noinline)) uint32_t tc_double_product_exact(uint64_t magnitude, tc_double_t factor)
{
    const uint64_t mantissa = ((uint64_t)factor.upper << 22) | factor.lower;
    const uint32_t a0 = (uint32_t)magnitude, a1 = (uint32_t)(magnitude >> 32);
    const uint32_t m0 = (uint32_t)mantissa, m1 = (uint32_t)(mantissa >> 32);
    const uint64_t lowest = (uint64_t)a0 * m0;
    const uint64_t middle = (uint64_t)a0 * m1 + (uint64_t)a1 * m0 + (lowest >> 32);
    uint64_t low = (middle << 32) | (uint32_t)lowest;
    uint64_t high = (uint64_t)a1 * m1 + (middle >> 32);
    const int total = factor.shift + 22, bits = (high != 0) ? 64 + tc_double_bits(high) : tc_double_bits(low);
    const uint64_t last = (bits >= 54) ? (uint64_t)1 << (bits - 54) : 0;
    const uint64_t half = (total <= 64) ? (uint64_t)1 << (total - 1) : 0;
    low += last;
    high += (low < last) ? 1u : 0u;
    low += half;
    high += (low < half) ? 1u : 0u;
    if (total > 64) {
        high += (uint64_t)1 << (total - 65);
        return (uint32_t)(high >> (total - 64));
    }
    return (total == 64) ? (uint32_t)high : (uint32_t)((high << (64 - total)) | (low >> total));
}

/* x * factor. Unless the product is close to a half, the upper bits of the factor decide. The result is an int32. */
static inline int32_t tc_double_product(int64_t x, tc_double_t factor)
{
    const uint64_t magnitude = (x < 0) ? 0u - (uint64_t)x : (uint64_t)x;
    uint32_t rounded = 0;
    if ((magnitude >> 32) == 0) {
        const uint64_t least = magnitude * factor.upper + ((uint64_t)1 << (factor.shift - 1));
        const uint64_t most = least + magnitude + 1;
        rounded = (uint32_t)(least >> factor.shift);
        if (rounded != (uint32_t)(most >> factor.shift)) {
            rounded = tc_double_product_exact(magnitude, factor);
        }
    } else {
        rounded = tc_double_product_exact(magnitude, factor);
    }
    return (x < 0) ? (int32_t)(0u - rounded) : (int32_t)rounded;
}

#endif
