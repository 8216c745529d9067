/* Dot products of int16 activations on Armv8.1-M with MVE, eight products an instruction; see generic/dot_int16.h for
 * the function. Weights are extended to 16 bits as they are loaded. */
#ifndef TINYCOMP_DOT_INT16_H
#define TINYCOMP_DOT_INT16_H

#include "mve.h"
#include "tinycomp.h"

#define TC_DOT_INT16_CHANNELS 4
#define TC_DOT_INT16_PART 508u

/* The products of at most TC_DOT_INT16_PART activations with one channel's weights. */
TC_MVE_PREDICATES int32_t tc_dot_int16_one(const int16_t *x, const int8_t *w, size_t count)
{
#if TC_MVE
    register int32_t sum __asm__("r4") = 0;
    __asm__ volatile("wlstp.16 lr, %[count], 2f\n1:\n\tvldrh.u16 q0, [%[x]], #16\n\tvldrb.s16 q1, [%[w]], #8\n\t"
                     "vmladava.s16 %[sum], q0, q1\n\tletp lr, 1b\n2:\n\t"
                     : [sum] "+&r"(sum), [x] "+&r"(x), [w] "+&l"(w)
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
TC_MVE_PREDICATES void tc_dot_int16_four(int64_t *sums, const int16_t *x, const int8_t *w, size_t stride, size_t count)
{
#if TC_MVE
    const int8_t *w1 = w + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    register int32_t s0 __asm__("r6") = 0;
    register int32_t s1 __asm__("r8") = 0;
    register int32_t s2 __asm__("r10") = 0;
    register int32_t s3 __asm__("r12") = 0;
    __asm__ volatile("wlstp.16 lr, %[count], 2f\n1:\n\tvldrh.u16 q0, [%[x]], #16\n\tvldrb.s16 q1, [%[w]], #8\n\t"
                     "vmladava.s16 %[s0], q0, q1\n\tvldrb.s16 q2, [%[w1]], #8\n\tvmladava.s16 %[s1], q0, q2\n\t"
                     "vldrb.s16 q1, [%[w2]], #8\n\tvmladava.s16 %[s2], q0, q1\n\tvldrb.s16 q2, [%[w3]], #8\n\t"
                     "vmladava.s16 %[s3], q0, q2\n\tletp lr, 1b\n2:\n\t"
                     : [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [x] "+&r"(x), [w] "+&l"(w),
                       [w1] "+&l"(w1), [w2] "+&l"(w2), [w3] "+&l"(w3)
                     : [count] "r"(count)
                     : "lr", "q0", "q1", "q2", TC_MVE_P0 "cc", "memory");
    sums[0] += s0;
    sums[1] += s1;
    sums[2] += s2;
    sums[3] += s3;
#else
    for (unsigned c = 0; c < 4; c++) {
        sums[c] += tc_dot_int16_one(x, w + c * stride, count);
    }
#endif
}

static inline void tc_dot_int16(int64_t *sums, unsigned channels, const int16_t *x, const int8_t *weights,
                                size_t stride, size_t length)
{
    while (length > 0) {
        const size_t part = length < TC_DOT_INT16_PART ? length : TC_DOT_INT16_PART;
        if (channels == TC_DOT_INT16_CHANNELS) {
            tc_dot_int16_four(sums, x, weights, stride, part);
        } else {
            for (unsigned c = 0; c < channels; c++) {
                sums[c] += tc_dot_int16_one(x, weights + c * stride, part);
            }
        }
        x += part;
        weights += part;
        length -= part;
    }
}

#endif
