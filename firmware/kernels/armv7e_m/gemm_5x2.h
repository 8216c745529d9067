/* Five pixels at a time with all output channels: see gemm.h. For rows of 5, 10, ... pixels. */
#ifndef TINYCOMP_GEMM_5X2_H
#define TINYCOMP_GEMM_5X2_H

#include "gemm.h"

#define TC_GEMM_5X2_PIXELS 5

#if TC_DSP

/* clang-format off */
/* Stack frame. */
#define TC_GEMM_5X2_OUT4 "[sp, #0]"
#define TC_GEMM_5X2_FIRST "[sp, #4]"
#define TC_GEMM_5X2_OUT0 "[sp, #8]"
#define TC_GEMM_5X2_OUT1 "[sp, #12]"
#define TC_GEMM_5X2_OUT2 "[sp, #16]"
#define TC_GEMM_5X2_OUT3 "[sp, #20]"
#define TC_GEMM_5X2_ENTRY "[sp, #24]"
#define TC_GEMM_5X2_ROUNDING "[sp, #28]"
#define TC_GEMM_5X2_CHANNEL "[sp, #32]"
#define TC_GEMM_5X2_CHANNELS "[sp, #36]"
#define TC_GEMM_5X2_FACTORS "[sp, #40]"
#define TC_GEMM_5X2_WEIGHTS "[sp, #44]"
#define TC_GEMM_5X2_LAST "[sp, #48]"
/* r0-r4 and r5-r9 are the sums of two channels, r10 and r11 their weights, lr the pixels. The address of the weights is
 * in memory: it is written once for two groups, and is eight less than that of the next one. */
#define TC_GEMM_5X2_FIRST_WEIGHTS "ldr r12, " TC_GEMM_5X2_WEIGHTS "\n\tldr r10, [r12, #8]\n\tldr r11, [r12, #12]\n\t"
#define TC_GEMM_5X2_SECOND_WEIGHTS \
    "ldr r12, " TC_GEMM_5X2_WEIGHTS "\n\tldr r11, [r12, #20]\n\tldr r10, [r12, #16]!\n\tstr r12, " TC_GEMM_5X2_WEIGHTS "\n\t"
#define TC_GEMM_5X2_SINGLE_WEIGHTS \
    "ldr r12, " TC_GEMM_5X2_WEIGHTS "\n\tldr r11, [r12, #12]\n\tldr r10, [r12, #8]!\n\tstr r12, " TC_GEMM_5X2_WEIGHTS "\n\t"
#define TC_GEMM_5X2_HALF                                                                                 \
    "ldr r12, [lr], #4\n\tsmlad r0, r10, r12, r0\n\tsmlad r5, r11, r12, r5\n\tldr r12, [lr], #4\n\t"      \
    "smlad r1, r10, r12, r1\n\tsmlad r6, r11, r12, r6\n\tldr r12, [lr], #4\n\tsmlad r2, r10, r12, r2\n\t" \
    "smlad r7, r11, r12, r7\n\tldr r12, [lr], #4\n\tsmlad r3, r10, r12, r3\n\tsmlad r8, r11, r12, r8\n\t" \
    "ldr r12, [lr], #4\n\tsmlad r4, r10, r12, r4\n\tsmlad r9, r11, r12, r9\n\t"
#define TC_GEMM_5X2_OTHER_HALF "sxtb16 r10, r10\n\tsxtb16 r11, r11\n\t" TC_GEMM_5X2_HALF
/* The first half of the first group: r0 and r5 are the initial value of all sums, so their products come last. Then the
 * code continues in the middle of the first or, for an odd number of groups, of the second of two groups. ADR counts
 * from a multiple of four, so the function has to begin at one: it does if it contains such an alignment. */
#define TC_GEMM_5X2_LEAD                                                                                   \
    TC_GEMM_5X2_FIRST_WEIGHTS "ldr r12, [lr, #4]\n\tsmlad r1, r10, r12, r0\n\tsmlad r6, r11, r12, r5\n\t"  \
    "ldr r12, [lr, #8]\n\tsmlad r2, r10, r12, r0\n\tsmlad r7, r11, r12, r5\n\t"                           \
    "ldr r12, [lr, #12]\n\tsmlad r3, r10, r12, r0\n\tsmlad r8, r11, r12, r5\n\t"                          \
    "ldr r12, [lr, #16]\n\tsmlad r4, r10, r12, r0\n\tsmlad r9, r11, r12, r5\n\t"                          \
    "ldr r12, [lr], #20\n\tsmlad r0, r10, r12, r0\n\tsmlad r5, r11, r12, r5\n\t"
#if TC_SMALL
#define TC_GEMM_5X2_ENTRY_OF_GROUPS ""
#define TC_GEMM_5X2_BEGIN                                                                                  \
    "mov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\tmov r4, r0\n\t"                                            \
    "mov r6, r5\n\tmov r7, r5\n\tmov r8, r5\n\tmov r9, r5\n"
#define TC_GEMM_5X2_GROUPS "2:\n\t" TC_GEMM_5X2_SINGLE_WEIGHTS TC_GEMM_5X2_HALF TC_GEMM_5X2_OTHER_HALF
#else
#define TC_GEMM_5X2_ENTRY_OF_GROUPS "adr.w r0, 6f\n\ttst r6, #1\n\tit ne\n\tadrne.w r0, 7f\n\torr r6, r0, #1\n\t"
#define TC_GEMM_5X2_BEGIN                                                                                  \
    TC_GEMM_5X2_LEAD "ldr pc, " TC_GEMM_5X2_ENTRY "\n\t.balign 4\n"                                                 \
    "7:\n\tldr r12, " TC_GEMM_5X2_WEIGHTS "\n\tadd r12, r12, #8\n\tstr r12, " TC_GEMM_5X2_WEIGHTS "\n\tb 8f\n"
#define TC_GEMM_5X2_GROUPS                                                                                 \
    "2:\n\t" TC_GEMM_5X2_FIRST_WEIGHTS TC_GEMM_5X2_HALF "6:\n\t" TC_GEMM_5X2_OTHER_HALF                     \
    TC_GEMM_5X2_SECOND_WEIGHTS TC_GEMM_5X2_HALF "8:\n\t" TC_GEMM_5X2_OTHER_HALF
#endif

static __attribute__((noinline)) void tc_gemm_5x2(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    register const tc_gemm_t *r0 __asm__("r0") = gemm;
    register const uint32_t *r1 __asm__("r1") = pixels;
    register int8_t *const *r2 __asm__("r2") = outs;
    __asm__ volatile(
        TC_ASM_STACK("tc_gemm_5x2", "88") TC_THUMB_SAVE TC_GEMM_LOAD
        "ldr r0, [r2, #16]\n\tldm r2, {r2, r3, r4, r5}\n\tpush {r0}\n\tsub r11, r11, #8\n\t"
        "add lr, r6, r6, lsl #2\n\tadd lr, r1, lr, lsl #3\n\t" TC_GEMM_5X2_ENTRY_OF_GROUPS
        "pop {r0}\n\tpush {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "1:\n\t" /* a pair of channels; r10 is its factors */
        "ldr r0, [r10]\n\tldr r5, [r10, #8]\n\tldr lr, " TC_GEMM_5X2_FIRST "\n\t"
        TC_GEMM_5X2_BEGIN TC_GEMM_5X2_GROUPS
        "ldr r12, " TC_GEMM_5X2_LAST "\n\tcmp lr, r12\n\tbne 2b\n\t"
        "ldr lr, " TC_GEMM_5X2_FACTORS "\n\tldr r11, " TC_GEMM_5X2_ROUNDING "\n\t" TC_GEMM_TO_TWICE("4f")
        "ldr r12, [lr, #4]\n\t"
        TC_GEMM_ROUND_ONCE("r0") TC_GEMM_ROUND_ONCE("r1") TC_GEMM_ROUND_ONCE("r2") TC_GEMM_ROUND_ONCE("r3")
        TC_GEMM_ROUND_ONCE("r4") "ldr r12, [lr, #12]\n\t"
        TC_GEMM_ROUND_ONCE("r5") TC_GEMM_ROUND_ONCE("r6") TC_GEMM_ROUND_ONCE("r7") TC_GEMM_ROUND_ONCE("r8")
        TC_GEMM_ROUND_ONCE("r9")
        "3:\n\t"
        "ldr r10, " TC_GEMM_5X2_CHANNEL "\n\tadd r11, r10, #1\n\tldr r12, " TC_GEMM_5X2_OUT0 "\n\tldr lr, " TC_GEMM_5X2_OUT1 "\n\t"
        "strb r0, [r12, r10]\n\tstrb r5, [r12, r11]\n\tstrb r1, [lr, r10]\n\tstrb r6, [lr, r11]\n\t"
        "ldr r12, " TC_GEMM_5X2_OUT2 "\n\tldr lr, " TC_GEMM_5X2_OUT3 "\n\t"
        "strb r2, [r12, r10]\n\tstrb r7, [r12, r11]\n\tstrb r3, [lr, r10]\n\tstrb r8, [lr, r11]\n\t"
        "ldr r12, " TC_GEMM_5X2_OUT4 "\n\tadd lr, r10, #2\n\t"
        "strb r4, [r12, r10]\n\tstrb r9, [r12, r11]\n\tstr lr, " TC_GEMM_5X2_CHANNEL "\n\t"
        "ldr r10, " TC_GEMM_5X2_FACTORS "\n\tldr r11, " TC_GEMM_5X2_CHANNELS "\n\tadd r10, r10, #16\n\tstr r10, " TC_GEMM_5X2_FACTORS "\n\t"
        "cmp lr, r11\n\tbne 1b\n\t"
        TC_GEMM_TWICE(
        "b 5f\n"
        "4:\n\t"
        "ldr r10, [lr]\n\tldr r12, [lr, #4]\n\t" TC_GEMM_FACTOR
        TC_GEMM_ROUND_TWICE("r0", "lr") TC_GEMM_ROUND_TWICE("r1", "lr") TC_GEMM_ROUND_TWICE("r2", "lr")
        TC_GEMM_ROUND_TWICE("r3", "lr") TC_GEMM_ROUND_TWICE("r4", "lr")
        "ldr lr, " TC_GEMM_5X2_FACTORS "\n\tldr r11, " TC_GEMM_5X2_ROUNDING "\n\tldr r10, [lr, #8]\n\tldr r12, [lr, #12]\n\t" TC_GEMM_FACTOR
        TC_GEMM_ROUND_TWICE("r5", "lr") TC_GEMM_ROUND_TWICE("r6", "lr") TC_GEMM_ROUND_TWICE("r7", "lr")
        TC_GEMM_ROUND_TWICE("r8", "lr") TC_GEMM_ROUND_TWICE("r9", "lr")
        "b 3b\n")
        "5:\n\tadd sp, sp, #52\n\t" TC_THUMB_RESTORE
        : "+r"(r0), "+r"(r1), "+r"(r2)
        :
        : "r3", "r12", "cc", "memory");
}
/* clang-format on */

#else

static void tc_gemm_5x2(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    for (unsigned i = 0; i < TC_GEMM_5X2_PIXELS; i++) {
        tc_gemm_pixel(gemm, &pixels[i], TC_GEMM_5X2_PIXELS, outs[i]);
    }
}

#endif

#endif
