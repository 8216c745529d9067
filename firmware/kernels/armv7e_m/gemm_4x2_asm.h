/* Four pixels at a time with pairs of channels: code shared by the functions for different forms of weights; see
 * gemm.h. */
#ifndef TINYCOMP_GEMM_4X2_ASM_H
#define TINYCOMP_GEMM_4X2_ASM_H

#include "gemm.h"

#define TC_GEMM_4X2_PIXELS 4

#if TC_DSP

/* clang-format off */
/* Stack frame. */
#define TC_GEMM_4X2_FIRST "[sp, #0]"
#define TC_GEMM_4X2_OUT0 "[sp, #4]"
#define TC_GEMM_4X2_OUT1 "[sp, #8]"
#define TC_GEMM_4X2_OUT2 "[sp, #12]"
#define TC_GEMM_4X2_OUT3 "[sp, #16]"
#define TC_GEMM_4X2_ENTRY "[sp, #20]"
#define TC_GEMM_4X2_ROUNDING "[sp, #24]"
#define TC_GEMM_4X2_CHANNEL "[sp, #28]"
#define TC_GEMM_4X2_CHANNELS "[sp, #32]"
#define TC_GEMM_4X2_FACTORS "[sp, #36]"
#define TC_GEMM_4X2_PAIRS "[sp, #40]"
#define TC_GEMM_4X2_LAST "[sp, #44]"

/* Defines a function: `begin` runs before each pair of channels, `lead` multiplies the first group, with the initial
 * value of the sums in r0 and r4, and `loop` the others, or all where code has to be small, each group `size` bytes of code. r0-r3 and r4-r7 are the
 * sums of two channels, r8 the weights, r9 the pixels. The first pixel is stored last, so that padding pixels may share
 * its address. */
#define TC_GEMM_4X2_FUNCTION(name, size, begin, lead, loop)                                                     \
    static __attribute__((noinline)) void name(const tc_gemm_t *gemm, const uint32_t *pixels,                   \
                                               int8_t *const *outs)                                             \
    {                                                                                                           \
        register const tc_gemm_t *r0 __asm__("r0") = gemm;                                                      \
        register const uint32_t *r1 __asm__("r1") = pixels;                                                     \
        register int8_t *const *r2 __asm__("r2") = outs;                                                        \
        __asm__ volatile(TC_ASM_STACK(#name, "84") TC_GEMM_4X2_CODE(size, begin, lead, loop)                    \
                         : "+r"(r0), "+r"(r1), "+r"(r2)                                                         \
                         :                                                                                      \
                         : "r3", "r12", "cc", "memory");                                                        \
    }
#define TC_GEMM_4X2_CODE(size, begin, lead, loop)                                                               \
    TC_THUMB_SAVE TC_GEMM_LOAD                                                                                  \
    "ldm r2, {r2, r3, r4, r5}\n\tadd lr, r1, r6, lsl #5\n\t"                                                    \
    TC_GEMM_UNROLLED(                                                                                           \
    "rsbs r6, r6, #1\n\tite eq\n\tmoveq r6, #4\n\tandne r6, r6, #3\n\tmov r0, #" size "\n\tmul r6, r6, r0\n\t"   \
    TC_GEMM_ENTRY, "")                                                                                          \
    "push {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r12, lr}\n\tmov r8, r11\n"                                  \
    "1:\n\t" begin                                                                                              \
    "ldr r10, " TC_GEMM_4X2_FACTORS "\n\tldr r0, [r10]\n\tldr r4, [r10, #8]\n\t"                                \
    "ldr r9, " TC_GEMM_4X2_FIRST "\n\t"                                                                         \
    TC_GEMM_UNROLLED(lead "ldr pc, " TC_GEMM_4X2_ENTRY "\n\t.balign 4\n",                                       \
                     "mov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\tmov r5, r4\n\tmov r6, r4\n\tmov r7, r4\n")        \
    "2:\n\t" loop                                                                                               \
    "ldr r12, " TC_GEMM_4X2_LAST "\n\tcmp r9, r12\n\tbne 2b\n\t"                                                \
    "ldr r9, " TC_GEMM_4X2_FACTORS "\n\tldr r11, " TC_GEMM_4X2_ROUNDING "\n\t" TC_GEMM_TO_TWICE("4f")           \
    "ldr r12, [r9, #4]\n\t"                                                                                     \
    TC_GEMM_ROUND_ONCE("r0") TC_GEMM_ROUND_ONCE("r1") TC_GEMM_ROUND_ONCE("r2") TC_GEMM_ROUND_ONCE("r3")         \
    "ldr r12, [r9, #12]\n\t"                                                                                    \
    TC_GEMM_ROUND_ONCE("r4") TC_GEMM_ROUND_ONCE("r5") TC_GEMM_ROUND_ONCE("r6") TC_GEMM_ROUND_ONCE("r7")         \
    "3:\n\t"                                                                                                    \
    "add r9, r9, #16\n\tstr r9, " TC_GEMM_4X2_FACTORS "\n\tldr r9, " TC_GEMM_4X2_CHANNEL "\n\t"                 \
    "ldr r10, " TC_GEMM_4X2_OUT0 "\n\tldr r11, " TC_GEMM_4X2_OUT1 "\n\t"                                        \
    "ldr r12, " TC_GEMM_4X2_OUT2 "\n\tldr lr, " TC_GEMM_4X2_OUT3 "\n\t"                                         \
    "strb r3, [lr, r9]\n\tstrb r2, [r12, r9]\n\tstrb r1, [r11, r9]\n\tstrb r0, [r10, r9]\n\tadd r9, r9, #1\n\t" \
    "strb r7, [lr, r9]\n\tstrb r6, [r12, r9]\n\tstrb r5, [r11, r9]\n\tstrb r4, [r10, r9]\n\tadd r9, r9, #1\n\t" \
    "str r9, " TC_GEMM_4X2_CHANNEL "\n\tldr r11, " TC_GEMM_4X2_CHANNELS "\n\tcmp r9, r11\n\tbne 1b\n\t"         \
    TC_GEMM_TWICE(                                                                                              \
    "b 5f\n"                                                                                                    \
    "4:\n\t"                                                                                                    \
    "ldr r10, [r9]\n\tldr r12, [r9, #4]\n\t" TC_GEMM_FACTOR                                                     \
    TC_GEMM_ROUND_TWICE("r0", "lr") TC_GEMM_ROUND_TWICE("r1", "lr") TC_GEMM_ROUND_TWICE("r2", "lr")             \
    TC_GEMM_ROUND_TWICE("r3", "lr")                                                                             \
    "ldr r11, " TC_GEMM_4X2_ROUNDING "\n\tldr r10, [r9, #8]\n\tldr r12, [r9, #12]\n\t" TC_GEMM_FACTOR           \
    TC_GEMM_ROUND_TWICE("r4", "lr") TC_GEMM_ROUND_TWICE("r5", "lr") TC_GEMM_ROUND_TWICE("r6", "lr")             \
    TC_GEMM_ROUND_TWICE("r7", "lr")                                                                             \
    "b 3b\n")                                                                                                   \
    "5:\n\tadd sp, sp, #48\n\t" TC_THUMB_RESTORE
/* clang-format on */

#endif

#endif
