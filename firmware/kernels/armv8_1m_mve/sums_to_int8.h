/* Sums that share one factor, rounded twice to int8 on Armv8.1-M with MVE, four at a time; see generic/sums_to_int8.h
 * for the function. */
#ifndef TINYCOMP_SUMS_TO_INT8_H
#define TINYCOMP_SUMS_TO_INT8_H

#include "mve.h"
#include "scale.h"
#include "tinycomp.h"

/* The first `count` sums, at most TC_SUMS_TO_INT8. */
TC_MVE_PREDICATES void tc_sums_to_int8(const tc_scale_t *scale, const int32_t *sums, unsigned count, int8_t *to)
{
#if TC_MVE
    if (scale->shift < 0) {
        __asm__ volatile(
            "vldrw.u32 q0, [%[sums]]\n\tvctp.32 %[count]\n\tvadd.i32 q0, q0, %[offset]\n\t"
            "vqrdmulh.s32 q0, q0, %[multiplier]\n\tvshr.s32 q1, q0, #31\n\tvadd.i32 q0, q0, q1\n\t"
            "vrshl.s32 q0, %[shift]\n\tvadd.i32 q0, q0, %[zero_point]\n\tvqmovnb.s32 q0, q0\n\t"
            "vqmovnb.s16 q0, q0\n\tvpst\n\tvstrbt.32 q0, [%[to]]\n\t"
            :
            : [sums] "r"(sums), [count] "r"(count), [offset] "r"(scale->offset), [multiplier] "r"(scale->multiplier),
              [shift] "r"(scale->shift), [zero_point] "r"(scale->zero_point), [to] "l"(to)
            : "q0", "q1", TC_MVE_P0 "memory");
        return;
    }
#endif
    for (unsigned i = 0; i < count; i++) {
        const int32_t scaled = tc_requantize(sums[i] + scale->offset, scale->multiplier, scale->shift);
        to[i] = tc_clamp(scaled + scale->zero_point, -128, 127);
    }
}

#endif
