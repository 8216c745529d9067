/* ADD of two tensors of the same shape on Armv7E-M: 14 instructions per element.
 *
 * The common scale is twice the coarser one, so in it the coarse input is its value times 2^19, without rounding; only
 * the fine input needs a multiplication. Two constants hold both zero points and all roundings. */
#ifndef TINYCOMP_ADD_DSP_H
#define TINYCOMP_ADD_DSP_H

#include "dsp.h"
#include "tinycomp.h"

typedef struct {
    uint8_t coarse; /* which input has the larger scale, 0 or 1 */
    int8_t fine_zero_point;
    int8_t activation_min, activation_max;
    uint32_t size;           /* bytes per row */
    int32_t fine_multiplier; /* of the fine input, times 2^21 */
    int32_t fine_rounding;   /* added to that product before the shift; includes the coarse zero point */
    int32_t fine_shift;
    int32_t multiplier; /* applied to twice the sum */
    int32_t rounding;   /* added to that product; includes the output's zero point */
    int32_t shift;      /* right shift afterwards, less one */
} tc_add_dsp_t;

static inline int8_t tc_add_dsp_value(const tc_add_dsp_t *op, int32_t coarse, int32_t fine)
{
    const int32_t raised = (fine - op->fine_zero_point) * ((int32_t)1 << 21);
    const int32_t scaled = tc_smmlar(raised, op->fine_multiplier, op->fine_rounding) + (raised >> 31);
    const int32_t sum = ((scaled >> op->fine_shift) + coarse * ((int32_t)1 << 19)) * 2;
    const int32_t product = tc_smmlar(sum, op->multiplier, op->rounding) + (sum >> 31);
    return (int8_t)tc_halve_to_int8(product >> op->shift);
}

#if TC_DSP

/* One of four elements; its bytes are the lowest ones of r10 and r11 after the rotation. */
#define TC_ADD_ELEMENT(rotated)                                                        \
    "sxtab r12, r3, r11" rotated "\n\tlsl r12, r12, #21\n\tsmmlar lr, r12, r4, r5\n\t" \
    "add lr, lr, r12, asr #31\n\tasr lr, lr, r6\n\t"                                   \
    "sxtb r12, r10" rotated "\n\tadd lr, lr, r12, lsl #19\n\tlsl lr, lr, #1\n\t"       \
    "smmlar r12, lr, r7, r8\n\tadd r12, r12, lr, asr #31\n\tasr r12, r12, r9\n\t"      \
    "ssat r12, #8, r12, asr #1\n\tstrb r12, [r2], #1\n\t"

/* The assembly relies on these member offsets of tc_add_dsp_t. */
typedef char tc_assert_add_offsets[offsetof(tc_add_dsp_t, fine_multiplier) == 8 && sizeof(tc_add_dsp_t) == 32 ? 1 : -1];

/* `count` elements, a positive multiple of four. r12, the end of the first input, is kept on the stack. */
static __attribute__((noinline)) void tc_add_dsp_words(const tc_add_dsp_t *op, const int8_t *coarse, const int8_t *fine,
                                                       int8_t *to, size_t count)
{
    register const tc_add_dsp_t *r0 __asm__("r0") = op;
    register const int8_t *r1 __asm__("r1") = coarse;
    register const int8_t *r2 __asm__("r2") = fine;
    register int8_t *r3 __asm__("r3") = to;
    register const int8_t *r12 __asm__("r12") = coarse + count;
    __asm__ volatile(TC_ASM_STACK("tc_add_dsp_words",
                                  "40") "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\tmov r12, r0\n\tmov r0, "
                                        "r1\n\tmov r1, r2\n\tmov r2, r3\n\t"
                                        "ldrsb r3, [r12, #1]\n\trsb r3, r3, #0\n\t"
                                        "ldr r4, [r12, #8]\n\tldr r5, [r12, #12]\n\tldr r6, [r12, #16]\n\t"
                                        "ldr r7, [r12, #20]\n\tldr r8, [r12, #24]\n\tldr r9, [r12, #28]\n"
                                        "1:\n\t"
                                        "ldr r10, [r0], #4\n\tldr r11, [r1], #4\n\t" TC_ADD_ELEMENT("")
                                            TC_ADD_ELEMENT(", ror #8") TC_ADD_ELEMENT(", ror #16") TC_ADD_ELEMENT(
                                                ", ror #24") "ldr r12, [sp, #32]\n\tcmp r0, r12\n\tbne 1b\n\t"
                                                             "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
                     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12)
                     :
                     : "cc", "memory");
}

#else

static void tc_add_dsp_words(const tc_add_dsp_t *op, const int8_t *coarse, const int8_t *fine, int8_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = tc_add_dsp_value(op, coarse[i], fine[i]);
    }
}

#endif

/* Output rows [first, last). No scratch. The output may overwrite the first input. */
static void tc_add_dsp(const tc_add_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
{
    const size_t words = op->size & ~(uint32_t)3;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *const coarse = tc_input_row(in + op->coarse, y);
        const int8_t *const fine = tc_input_row(in + 1 - op->coarse, y);
        int8_t *const to = tc_output_row(out, y);
        if (words != 0) {
            tc_add_dsp_words(op, coarse, fine, to, words);
        }
        for (size_t i = words; i < op->size; i++) {
            to[i] = tc_add_dsp_value(op, coarse[i], fine[i]);
        }
        for (size_t i = 0; i < op->size && (op->activation_min != -128 || op->activation_max != 127); i++) {
            to[i] = tc_clamp(to[i], op->activation_min, op->activation_max);
        }
    }
}

#endif
