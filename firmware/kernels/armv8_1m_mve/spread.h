/* Scatters non-zero weights to their positions among the zeros, like codecs/spread.h: sixteen weights in 22
 * instructions of MVE. */
#ifndef TINYCOMP_SPREAD_H
#define TINYCOMP_SPREAD_H

#include "mve.h"
#include "tinycomp.h"

/* Weights one by one. Returns the address of the next value. */
static inline const int8_t *tc_spread_singly(const uint8_t *bitmap, size_t first, size_t count, const int8_t *values,
                                             int8_t *to)
{
    for (size_t bit = first; bit != first + count; bit++) {
        *to++ = (bitmap[bit / 8] >> bit % 8 & 1) != 0 ? *values++ : 0;
    }
    return values;
}

#if TC_MVE

/* Multiples of sixteen weights whose bits begin at a byte. q1 counts, per weight, the values up to it: by a product
 * within four weights, then by adding the counts shifted up by four, eight and twelve positions. */
TC_MVE_PREDICATES const int8_t *tc_spread_sixteens(const uint8_t *from, size_t rounds, const int8_t *values, int8_t *to)
{
    __asm__ volatile("vmov.i8 q3, #1\n\tvmov.i8 q4, #0\n\twls lr, %[rounds], 2f\n1:\n\t"
                     "ldrh r0, [%[from]], #2\n\tvmsr p0, r0\n\tvpsel q0, q3, q4\n\tvmul.i32 q1, q0, %[ones]\n\t"
                     "vshr.u32 q2, q1, #24\n\tvmul.i32 q2, q2, %[ones]\n\t"
                     "mov r0, #0\n\tvshlc q2, r0, #32\n\tvadd.i8 q1, q1, q2\n\t"
                     "mov r0, #0\n\tvshlc q2, r0, #32\n\tvadd.i8 q1, q1, q2\n\t"
                     "mov r0, #0\n\tvshlc q2, r0, #32\n\tvadd.i8 q1, q1, q2\n\t"
                     "vmov.u8 r0, q1[15]\n\tvsub.i8 q1, q1, q0\n\tvpst\n\tvldrbt.u8 q2, [%[values], q1]\n\t"
                     "add %[values], %[values], r0\n\tvstrb.8 q2, [%[to]], #16\n\tle lr, 1b\n2:\n\t"
                     : [from] "+&r"(from), [values] "+&r"(values), [to] "+&r"(to)
                     : [rounds] "r"(rounds), [ones] "r"(0x01010101)
                     : "r0", "lr", "q0", "q1", "q2", "q3", "q4", TC_MVE_P0 "cc", "memory");
    return values;
}

#endif

/* Fills `to` with `count` weights, from bit `first` of the bitmap on: each set bit takes the next of `values`. The
 * values may be the last bytes of `to` itself: writes never overtake reads. */
static inline void tc_spread(const uint8_t *bitmap, size_t first, size_t count, const int8_t *values, int8_t *to)
{
#if TC_MVE
    const size_t head = (0u - first) % 8, some = head < count ? head : count, rounds = (count - some) / 16;
    values = tc_spread_singly(bitmap, first, some, values, to);
    values = tc_spread_sixteens(bitmap + (first + some) / 8, rounds, values, to + some);
    first += some + 16 * rounds;
    count -= some + 16 * rounds;
    to += some + 16 * rounds;
#endif
    (void)tc_spread_singly(bitmap, first, count, values, to);
}

#endif
