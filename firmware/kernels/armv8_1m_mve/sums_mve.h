/* Sums over positions, per channel, for reductions on Armv8.1-M with MVE. */
#ifndef TINYCOMP_SUMS_MVE_H
#define TINYCOMP_SUMS_MVE_H

#include "mve.h"
#include "tinycomp.h"

/* Adds `width` cells of `channels` channels. */
static inline void tc_sums_mve_add(int32_t *sums, const int8_t *cells, size_t channels, size_t width)
{
#if TC_MVE
    for (; width > 0; width--, cells += channels) {
        int32_t *at = sums;
        const int8_t *from = cells;
        __asm__ volatile("dlstp.32 lr, %[channels]\n1:\n\tvldrb.s32 q0, [%[from]], #4\n\tvldrw.32 q1, [%[at]]\n\t"
                         "vadd.i32 q0, q0, q1\n\tvstrw.32 q0, [%[at]], #16\n\tletp lr, 1b\n\t"
                         : [from] "+&l"(from), [at] "+&r"(at)
                         : [channels] "r"(channels)
                         : "lr", "q0", "q1", "cc", "memory");
    }
#else
    for (; width > 0; width--) {
        for (size_t c = 0; c < channels; c++) {
            sums[c] += *cells++;
        }
    }
#endif
}

#endif
