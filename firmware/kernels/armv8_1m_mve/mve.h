/* What kernels for Armv8.1-M with the vector extension (MVE, Helium) share: bytes moved, sums made int8. Each function has
 * a portable form beside it, so that every kernel runs on any host too.
 *
 * Factors lie in blocks of sixteen channels, filled up with zeros, in the order in which VLD4 takes sums apart: channels
 * 0, 4, 8, 12, then 1, 5, 9, 13, and so on. */
#ifndef TINYCOMP_MVE_H
#define TINYCOMP_MVE_H

#include "tinycomp.h"

#if defined(__ARM_FEATURE_MVE) && defined(__OPTIMIZE__)
#define TC_MVE 1
#else
#define TC_MVE 0
#endif

#define TC_MVE_BLOCK 16u

/* How sums become int8: they are rounded twice. */
typedef struct {
    const int32_t *multiplier;
    const int8_t *shift; /* to the left, at most 0 */
    int8_t zero_point, low, high;
} tc_mve_factors_t;

static inline void tc_mve_copy(int8_t *to, const int8_t *from, size_t count)
{
#if TC_MVE
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n1:\n\tvldrb.8 q0, [%[from]], #16\n\tvstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b\n2:\n\t"
                     : [to] "+r"(to), [from] "+r"(from)
                     : [count] "r"(count)
                     : "lr", "q0", "cc", "memory");
#else
    memcpy(to, from, count);
#endif
}

static inline void tc_mve_fill(int8_t *to, int8_t value, size_t count)
{
#if TC_MVE
    __asm__ volatile("vdup.8 q0, %[value]\n\twlstp.8 lr, %[count], 2f\n1:\n\tvstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b\n2:\n\t"
                     : [to] "+r"(to)
                     : [value] "r"(value), [count] "r"(count)
                     : "lr", "q0", "cc", "memory");
#else
    memset(to, value, count);
#endif
}

static inline void tc_mve_clamp(int8_t *values, int8_t low, int8_t high, size_t count)
{
#if TC_MVE
    __asm__ volatile(
        "vdup.8 q1, %[low]\n\tvdup.8 q2, %[high]\n\twlstp.8 lr, %[count], 2f\n1:\n\tvldrb.8 q0, [%[at]]\n\t"
        "vmax.s8 q0, q0, q1\n\tvmin.s8 q0, q0, q2\n\tvstrb.8 q0, [%[at]], #16\n\tletp lr, 1b\n2:\n\t"
        : [at] "+r"(values)
        : [low] "r"(low), [high] "r"(high), [count] "r"(count)
        : "lr", "q0", "q1", "q2", "cc", "memory");
#else
    for (size_t i = 0; i < count; i++) {
        values[i] = tc_clamp(values[i], low, high);
    }
#endif
}

#if TC_MVE

/* Four vectors of sums in q0 to q3, sixteen channels. Where the zero point is -128, negative values saturate anyway, and
 * how their ties are rounded does not matter. */
#define TC_MVE_SCALE(sum, rounding)                                                       \
    "vldrw.32 q4, [%[multiplier]], #16\n\tvqrdmulh.s32 " sum ", " sum ", q4\n\t" rounding \
    "vldrb.s32 q4, [%[shift]], #4\n\tvrshl.s32 " sum ", " sum ", q4\n\t"
#define TC_MVE_AWAY(sum) "vshr.s32 q4, " sum ", #31\n\tvadd.i32 " sum ", " sum ", q4\n\t"
#define TC_MVE_REQUANTIZE(away0, away1, away2, away3)                                                               \
    __asm__ volatile(                                                                                               \
        "dls lr, %[blocks]\n1:\n\tvld40.32 {q0, q1, q2, q3}, [%[sums]]\n\t"                                         \
        "vld41.32 {q0, q1, q2, q3}, [%[sums]]\n\tvld42.32 {q0, q1, q2, q3}, [%[sums]]\n\t"                          \
        "vld43.32 {q0, q1, q2, q3}, [%[sums]]!\n\t" TC_MVE_SCALE("q0", away0) TC_MVE_SCALE("q1", away1)             \
            TC_MVE_SCALE("q2", away2) TC_MVE_SCALE(                                                                 \
                "q3",                                                                                               \
                away3) "vqmovnb.s32 q0, q0\n\tvqmovnb.s32 q1, q1\n\tvqmovnt.s32 q0, q2\n\tvqmovnt.s32 q1, q3\n\t"   \
                       "vqadd.s16 q0, q0, %[zero]\n\tvqadd.s16 q1, q1, %[zero]\n\t"                                 \
                       "vqmovnb.s16 q0, q0\n\tvqmovnt.s16 q0, q1\n\tvctp.8 %[count]\n\tvpst\n\t"                    \
                       "vstrbt.8 q0, [%[to]], #16\n\tsub %[count], %[count], #16\n\tle lr, 1b\n\t"                  \
        : [sums] "+r"(sums), [multiplier] "+r"(multiplier), [shift] "+l"(shift), [to] "+r"(to), [count] "+r"(count) \
        : [zero] "r"(zero), [blocks] "r"(blocks)                                                                    \
        : "lr", "q0", "q1", "q2", "q3", "q4", "cc", "memory")

#endif

/* The int8 values of `count` sums, above zero, of the channels from the first-th on, a multiple of sixteen. */
static inline void tc_mve_requantize(const tc_mve_factors_t *factors, const int32_t *sums, size_t first, size_t count,
                                     int8_t *to)
{
    const int32_t *multiplier = factors->multiplier + first;
    const int8_t *shift = factors->shift + first;
#if TC_MVE
    const size_t blocks = (count + TC_MVE_BLOCK - 1) / TC_MVE_BLOCK;
    const int32_t zero = factors->zero_point;
    int8_t *const start = to;
    const size_t size = count;
    if (factors->zero_point == -128) {
        TC_MVE_REQUANTIZE("", "", "", "");
    } else {
        TC_MVE_REQUANTIZE(TC_MVE_AWAY("q0"), TC_MVE_AWAY("q1"), TC_MVE_AWAY("q2"), TC_MVE_AWAY("q3"));
    }
    if (factors->low != -128 || factors->high != 127) {
        tc_mve_clamp(start, factors->low, factors->high, size);
    }
#else
    for (size_t i = 0; i < count; i++) {
        const size_t place = (i & ~(size_t)15) + i % 4 * 4 + i / 4 % 4;
        to[i] = tc_clamp(tc_requantize(sums[i], multiplier[place], shift[place]) + factors->zero_point, factors->low,
                         factors->high);
    }
#endif
}

#endif
