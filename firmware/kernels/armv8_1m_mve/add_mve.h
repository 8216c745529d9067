/* ADD of two tensors of one shape on Armv8.1-M with MVE: four elements in 18 instructions.
 *
 * The common scale is twice the coarser one, so the coarse input's raised value is 2^19 times what it is, without
 * rounding; only the fine input is multiplied. */
#ifndef TINYCOMP_ADD_MVE_H
#define TINYCOMP_ADD_MVE_H

#include "mve.h"
#include "tinycomp.h"

typedef struct {
    uint32_t coarse;                    /* which input has the larger scale, 0 or 1 */
    uint32_t size;                      /* bytes a row */
    int32_t fine_offset, coarse_offset; /* added to inputs that were shifted left by 20, by 19 */
    int32_t fine_multiplier, fine_shift;
    int32_t multiplier, shift; /* shifts are to the left, below 0 */
    int32_t zero_point;
    int8_t activation_min, activation_max;
} tc_add_mve_t;

#if TC_MVE

/* q3 and q4 are 2^20 and 2^19, q5 and q6 the shifts. */
static __attribute__((noinline)) void tc_add_mve_row(const tc_add_mve_t *op, const int8_t *coarse, const int8_t *fine,
                                                     int8_t *to)
{
    const int32_t *const factors = &op->fine_multiplier;
    const size_t size = op->size;
    __asm__ volatile(
        "mov r0, #0x100000\n\tvdup.32 q3, r0\n\tmov r0, #0x80000\n\tvdup.32 q4, r0\n\tldr r0, [%[factors], #4]\n\t"
        "vdup.32 q5, r0\n\tldr r0, [%[factors], #12]\n\tvdup.32 q6, r0\n\tldr r0, [%[factors]]\n\t"
        "ldr r2, [%[factors], #8]\n\tldr r4, [%[factors], #16]\n\twlstp.32 lr, %[size], 2f\n"
        "1:\n\t"
        "vldrb.s32 q0, [%[fine]], #4\n\tvmlas.s32 q0, q3, %[fine_offset]\n\tvldrb.s32 q1, [%[coarse]], #4\n\t"
        "vqrdmulh.s32 q0, q0, r0\n\tvmlas.s32 q1, q4, %[coarse_offset]\n\tvshr.s32 q2, q0, #31\n\t"
        "vadd.i32 q0, q0, q2\n\tvrshl.s32 q0, q0, q5\n\tvadd.i32 q0, q0, q1\n\tvqrdmulh.s32 q0, q0, r2\n\t"
        "vshr.s32 q2, q0, #31\n\tvadd.i32 q0, q0, q2\n\tvrshl.s32 q0, q0, q6\n\tvadd.i32 q0, q0, r4\n\t"
        "vqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\tvstrb.32 q0, [%[to]], #4\n\tletp lr, 1b\n"
        "2:\n\t"
        : [fine] "+l"(fine), [coarse] "+l"(coarse), [to] "+l"(to)
        : [factors] "r"(factors), [size] "r"(size), [fine_offset] "r"(op->fine_offset),
          [coarse_offset] "r"(op->coarse_offset)
        : "r0", "r2", "r4", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "cc", "memory");
}

#else

static void tc_add_mve_row(const tc_add_mve_t *op, const int8_t *coarse, const int8_t *fine, int8_t *to)
{
    for (size_t i = 0; i < op->size; i++) {
        const int32_t raised = fine[i] * ((int32_t)1 << 20) + op->fine_offset;
        const int32_t other = coarse[i] * ((int32_t)1 << 19) + op->coarse_offset;
        const int32_t sum = tc_requantize(raised, op->fine_multiplier, op->fine_shift) + other;
        to[i] = tc_clamp(tc_requantize(sum, op->multiplier, op->shift) + op->zero_point, -128, 127);
    }
}

#endif

/* Output rows [first, last). No scratch. The output may lie on the first input. */
static void tc_add_mve(const tc_add_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
{
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        int8_t *const to = tc_output_row(out, y);
        tc_add_mve_row(op, tc_input_row(in + op->coarse, y), tc_input_row(in + 1 - op->coarse, y), to);
        if (op->activation_min != -128 || op->activation_max != 127) {
            tc_mve_clamp(to, op->activation_min, op->activation_max, op->size);
        }
    }
}

#endif
