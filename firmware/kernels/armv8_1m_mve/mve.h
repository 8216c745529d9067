/* Common to the kernels for Armv8.1-M with the vector extension (MVE, Helium): vectors of sixteen bytes. Each function
 * has an equivalent portable form, so that the kernels run on any host too. */
#ifndef TINYCOMP_MVE_H
#define TINYCOMP_MVE_H

#include "assembly.h"
#include "tinycomp.h"

#if TC_ASM && defined(__ARM_FEATURE_MVE) && !defined(__ARM_BIG_ENDIAN)
#define TC_MVE 1
#else
#define TC_MVE 0
#endif

/* For functions whose assembly changes the predicate register. GCC calls it p0; clang has no name for it, but keeps
 * nothing in it across calls. */
#if defined(__clang__)
#define TC_MVE_PREDICATES static __attribute__((noinline))
#define TC_MVE_P0
#else
#define TC_MVE_PREDICATES static inline
#define TC_MVE_P0 "p0",
#endif

static inline void tc_mve_copy(int8_t *to, const int8_t *from, size_t count)
{
#if TC_MVE
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n1:\n\tvldrb.8 q0, [%[from]], #16\n\tvstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b\n2:\n\t"
                     : [to] "+&r"(to), [from] "+&r"(from)
                     : [count] "r"(count)
                     : "lr", "q0", "cc", "memory");
#else
    tc_copy(to, from, count);
#endif
}

static inline void tc_mve_fill(int8_t *to, int8_t value, size_t count)
{
#if TC_MVE
    __asm__ volatile("vdup.8 q0, %[value]\n\twlstp.8 lr, %[count], 2f\n1:\n\tvstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b\n2:\n\t"
                     : [to] "+&r"(to)
                     : [value] "r"(value), [count] "r"(count)
                     : "lr", "q0", "cc", "memory");
#else
    tc_fill(to, value, count);
#endif
}

static inline void tc_mve_clamp(int8_t *values, int8_t low, int8_t high, size_t count)
{
#if TC_MVE
    __asm__ volatile(
        "vdup.8 q1, %[low]\n\tvdup.8 q2, %[high]\n\twlstp.8 lr, %[count], 2f\n1:\n\tvldrb.8 q0, [%[at]]\n\t"
        "vmax.s8 q0, q0, q1\n\tvmin.s8 q0, q0, q2\n\tvstrb.8 q0, [%[at]], #16\n\tletp lr, 1b\n2:\n\t"
        : [at] "+&r"(values)
        : [low] "r"(low), [high] "r"(high), [count] "r"(count)
        : "lr", "q0", "q1", "q2", "cc", "memory");
#else
    for (size_t i = 0; i < count; i++) {
        values[i] = tc_clamp(values[i], low, high);
    }
#endif
}

#endif
