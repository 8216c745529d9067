/* Two products per 32-bit multiplication, for cores without SIMD.
 *
 *     (x2 + 2^16 x0) (w0 + 2^16 w2) = w0 x2 + 2^16 (w0 x0 + w2 x2)    modulo 2^32
 *
 * Sums of such words hold a sum of products in their upper half, as long as it and the sum in the lower half fit into
 * 16 bits. The generator splits a channel's weights into runs for which both hold for any input; after each run its
 * upper half is added to a 32-bit sum. TC_SCALAR_HALF keeps the lower half positive.
 *
 * Four weights are stored as A + 2^8 B, A = w0 + 2^16 w2, B = w1 + 2^16 w3, all signed. Four activations are expanded
 * to X = x2 + 2^16 x0 and Z = Y - 2^8 X, Y = x3 + 2^16 x1. So (A + 2^8 B) X + B Z = A X + B Y, and the word of weights
 * can be multiplied as loaded. */
#ifndef TINYCOMP_PRODUCTS_H
#define TINYCOMP_PRODUCTS_H

#include "assembly.h"
#include "requantize.h"
#include "tinycomp.h"

#if TC_ASM && defined(__riscv) && __riscv_xlen == 32 && defined(__riscv_mul) && !defined(__riscv_32e)
#define TC_SCALAR_RV32 1
#else
#define TC_SCALAR_RV32 0
#endif

#define TC_SCALAR_HALF 0x8000u

/* Part B of four weights. */
static inline uint32_t tc_scalar_odd(uint32_t weights)
{
    return (((weights + 0x80808080u) >> 8) & 0x00FF00FFu) - 0x00800080u;
}

/* The sum of products in a run's sum of words. */
static inline int32_t tc_scalar_upper(uint32_t sum)
{
    return (int32_t)sum >> 16;
}

/* The high word of a product, b >= 0; computed from products of halves on cores without a high-word multiplication. */
static inline int32_t tc_scalar_high_word(int32_t a, int32_t b)
{
#if TC_SCALAR_NARROW
    const uint32_t low = (uint32_t)a & 0xFFFFu, b_low = (uint32_t)b & 0xFFFFu;
    const int32_t high = a >> 16, b_high = b >> 16;
    const int32_t first = high * (int32_t)b_low + (int32_t)((low * b_low) >> 16);
    const int32_t second = (int32_t)low * b_high + (first & 0xFFFF);
    return high * b_high + (first >> 16) + (second >> 16);
#else
    return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

/* Stores X and Z of four activations, `between` words apart. */
static inline void tc_scalar_four(const int8_t *from, uint32_t *to, size_t between)
{
    const uint32_t x = (uint32_t)from[2] + ((uint32_t)from[0] << 16);
    const uint32_t y = (uint32_t)from[3] + ((uint32_t)from[1] << 16);
    to[0] = x;
    to[between] = y - (x << 8);
}

#endif
