/* An affine function of two int8 values on Armv8.1-M with MVE, four at a time; see generic/affine_row.h. */
#ifndef TINYCOMP_AFFINE_ROW_H
#define TINYCOMP_AFFINE_ROW_H

#include "affine.h"
#include "mve.h"

/* `count` outputs; `to` may be x. */
static inline void tc_affine_row(const tc_affine_t *affine, const int8_t *x, const int8_t *y, int8_t *to,
                                 uint32_t count)
{
#if TC_MVE && defined(__OPTIMIZE__) /* without, there are too few registers for the operands */
    int8_t *const outputs = to;
    const int32_t left = -affine->shift;
    __asm__ volatile("wlstp.32 lr, %[count], 2f\n1:\n\tvldrb.s32 q0, [%[x]], #4\n\tvmul.i32 q0, q0, %[first]\n\t"
                     "vldrb.s32 q1, [%[y]], #4\n\tvmla.s32 q0, q1, %[second]\n\tvadd.i32 q0, q0, %[offset]\n\t"
                     "vshl.s32 q0, %[left]\n\tvqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\t"
                     "vstrb.32 q0, [%[to]], #4\n\tletp lr, 1b\n2:\n\t"
                     : [x] "+&l"(x), [y] "+&l"(y), [to] "+&l"(to)
                     : [count] "r"(count), [first] "r"(affine->first), [second] "r"(affine->second),
                       [offset] "r"(affine->offset), [left] "r"(left)
                     : "lr", "q0", "q1", "cc", "memory");
    if (affine->low != -128 || affine->high != 127) {
        tc_mve_clamp(outputs, (int8_t)affine->low, (int8_t)affine->high, count);
    }
#else
    for (uint32_t i = 0; i < count; i++) {
        const int32_t sum = affine->first * x[i] + affine->second * y[i] + affine->offset;
        to[i] = tc_clamp(sum >> affine->shift, affine->low, affine->high);
    }
#endif
}

#endif
