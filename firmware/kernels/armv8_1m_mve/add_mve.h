/* ADD of two tensors of the same shape on Armv8.1-M with MVE: four elements in 18 instructions.
 *
 * The common scale is twice the coarser one, so in it the coarse input is its value times 2^19, without rounding; only
 * the fine input needs a multiplication. */
#ifndef TINYCOMP_ADD_MVE_H
#define TINYCOMP_ADD_MVE_H

#include "mve.h"
#include "tinycomp.h"

typedef struct {
    uint32_t coarse;                    /* which input has the larger scale, 0 or 1 */
    uint32_t size;                      /* bytes per row */
    int32_t fine_offset, coarse_offset; /* added to the inputs shifted left by 20 and by 19 */
    int32_t fine_multiplier, fine_shift;
    int32_t multiplier, shift; /* shifts are left shifts, negative */
    int32_t zero_point;
    int8_t activation_min, activation_max;
} tc_add_mve_t;

#if TC_MVE

/* The assembly relies on these member offsets of tc_add_mve_t. */
typedef char
    tc_assert_add_offsets[offsetof(tc_add_mve_t, fine_multiplier) == 16 && sizeof(tc_add_mve_t) == 40 ? 1 : -1];

/* q3 and q4 are 2^20 and 2^19, q5 and q6 the shifts; r1 and r5 are the inputs, r6 and r7 their offsets. */
static __attribute__((noinline)) void tc_add_mve_row(const tc_add_mve_t *op, const int8_t *coarse, const int8_t *fine,
                                                     int8_t *to)
{
    register const tc_add_mve_t *r0 __asm__("r0") = op;
    register const int8_t *r1 __asm__("r1") = coarse;
    register const int8_t *r2 __asm__("r2") = fine;
    register int8_t *r3 __asm__("r3") = to;
    __asm__ volatile(
        TC_ASM_STACK("tc_add_mve_row", "36") TC_THUMB_SAVE
        "mov r5, r2\n\tmov r2, #0x100000\n\tvdup.32 q3, r2\n\tmov r2, #0x80000\n\tvdup.32 q4, r2\n\tldr r2, [r0, "
        "#20]\n\t"
        "vdup.32 q5, r2\n\tldr r2, [r0, #28]\n\tvdup.32 q6, r2\n\tldrd r6, r7, [r0, #8]\n\tldr lr, [r0, #4]\n\t"
        "ldr r2, [r0, #24]\n\tldr r4, [r0, #32]\n\tldr r0, [r0, #16]\n\twlstp.32 lr, lr, 2f\n"
        "1:\n\t"
        "vldrb.s32 q0, [r5], #4\n\tvmlas.s32 q0, q3, r6\n\tvldrb.s32 q1, [r1], #4\n\t"
        "vqrdmulh.s32 q0, q0, r0\n\tvmlas.s32 q1, q4, r7\n\tvshr.s32 q2, q0, #31\n\t"
        "vadd.i32 q0, q0, q2\n\tvrshl.s32 q0, q0, q5\n\tvadd.i32 q0, q0, q1\n\tvqrdmulh.s32 q0, q0, r2\n\t"
        "vshr.s32 q2, q0, #31\n\tvadd.i32 q0, q0, q2\n\tvrshl.s32 q0, q0, q6\n\tvadd.i32 q0, q0, r4\n\t"
        "vqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\tvstrb.32 q0, [r3], #4\n\tletp lr, 1b\n"
        "2:\n\t" TC_THUMB_RESTORE
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
        :
        : "r12", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "cc", "memory");
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

/* Output rows [first, last). No scratch. The output may overwrite the first input. */
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
