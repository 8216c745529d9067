/* Dot products on Armv8.1-M with MVE, sixteen products an instruction; see generic/dot.h for the function. */
#ifndef TINYCOMP_DOT_H
#define TINYCOMP_DOT_H

#include "mve.h"
#include "tinycomp.h"

#define TC_DOT_CHANNELS 4

/* The products with one channel's weights. */
TC_MVE_PREDICATES int32_t tc_dot_one(const int8_t *x, const int8_t *w, size_t count)
{
#if TC_MVE
    register int32_t sum __asm__("r4") = 0;
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n1:\n\tvldrb.8 q0, [%[x]], #16\n\tvldrb.8 q1, [%[w]], #16\n\t"
                     "vmladava.s8 %[sum], q0, q1\n\tletp lr, 1b\n2:\n\t"
                     : [sum] "+&r"(sum), [x] "+&r"(x), [w] "+&r"(w)
                     : [count] "r"(count)
                     : "lr", "q0", "q1", TC_MVE_P0 "cc", "memory");
    return sum;
#else
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
#endif
}

/* The same for four channels. */
TC_MVE_PREDICATES void tc_dot_four(int32_t *sums, const int8_t *x, const int8_t *w, size_t stride, size_t count)
{
#if TC_MVE
    const int8_t *w1 = w + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    register int32_t s0 __asm__("r6") = sums[0];
    register int32_t s1 __asm__("r8") = sums[1];
    register int32_t s2 __asm__("r10") = sums[2];
    register int32_t s3 __asm__("r12") = sums[3];
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n1:\n\tvldrb.8 q0, [%[x]], #16\n\tvldrb.8 q1, [%[w]], #16\n\t"
                     "vmladava.s8 %[s0], q0, q1\n\tvldrb.8 q2, [%[w1]], #16\n\tvmladava.s8 %[s1], q0, q2\n\t"
                     "vldrb.8 q1, [%[w2]], #16\n\tvmladava.s8 %[s2], q0, q1\n\tvldrb.8 q2, [%[w3]], #16\n\t"
                     "vmladava.s8 %[s3], q0, q2\n\tletp lr, 1b\n2:\n\t"
                     : [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [x] "+&r"(x), [w] "+&r"(w),
                       [w1] "+&r"(w1), [w2] "+&r"(w2), [w3] "+&r"(w3)
                     : [count] "r"(count)
                     : "lr", "q0", "q1", "q2", TC_MVE_P0 "cc", "memory");
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
#else
    for (unsigned c = 0; c < 4; c++) {
        sums[c] += tc_dot_one(x, w + c * stride, count);
    }
#endif
}

static inline void tc_dot(int32_t *accumulators, unsigned channels, const int8_t *x, const int8_t *weights,
                          size_t stride, size_t length)
{
    if (channels == TC_DOT_CHANNELS) {
        tc_dot_four(accumulators, x, weights, stride, length);
        return;
    }
    for (unsigned c = 0; c < channels; c++) {
        accumulators[c] += tc_dot_one(x, weights + c * stride, length);
    }
}

#endif
