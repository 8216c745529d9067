/* Four pixels at a time with pairs of channels: what functions share whose weights come in different forms; see gemm.h. */
#ifndef TINYCOMP_GEMM_4X2_ASM_H
#define TINYCOMP_GEMM_4X2_ASM_H

#include "gemm.h"

#define TC_GEMM_4X2_PIXELS 4

#if TC_DSP && defined(__OPTIMIZE__)

/* clang-format off */
/* What a function keeps in memory; its loop holds `rounds` groups of `size` bytes of code. */
#define TC_GEMM_4X2_STATE(rounds, size)                    \
    TC_GEMM_STATE(gemm, pixels, TC_GEMM_4X2_PIXELS, 1u, rounds, size) \
    int8_t *volatile const out0 = outs[0];                  \
    int8_t *volatile const out1 = outs[1];                  \
    int8_t *volatile const out2 = outs[2];                  \
    int8_t *volatile const out3 = outs[3]

/* Its code: `begin` comes before each pair of channels, `lead` multiplies the first group, to what sums start at in r0 and r4,
 * and `loop` the others. r0-r3 and r4-r7 are the sums of two
 * channels, r8 the weights, r9 the pixels. What belongs to the first pixel is stored last, so that pixels that are none may
 * share its place. */
#define TC_GEMM_4X2_CODE(begin, lead, loop)                                                                          \
    TC_GEMM_ENTRY                                                                                               \
    "ldr r8, %[weights]\n"                                                                                      \
    "1:\n\t" begin                                                                                              \
    "ldr r10, %[factors]\n\tldr r0, [r10]\n\tldr r4, [r10, #8]\n\tldr r9, %[first]\n\t" lead                    \
    "ldr r11, %[entry]\n\tbx r11\n\t"                                                                          \
    ".balign 4\n"                                                                                               \
    "2:\n\t" loop                                                                                               \
    "ldr r12, %[last]\n\tcmp r9, r12\n\tbne 2b\n\t"                                                             \
    "ldr r9, %[factors]\n\tldr r11, %[rounding]\n\t" TC_GEMM_TO_TWICE("4f")                                     \
    "ldr r12, [r9, #4]\n\t"                                                                                     \
    TC_GEMM_ROUND_ONCE("r0") TC_GEMM_ROUND_ONCE("r1") TC_GEMM_ROUND_ONCE("r2") TC_GEMM_ROUND_ONCE("r3")         \
    "ldr r12, [r9, #12]\n\t"                                                                                    \
    TC_GEMM_ROUND_ONCE("r4") TC_GEMM_ROUND_ONCE("r5") TC_GEMM_ROUND_ONCE("r6") TC_GEMM_ROUND_ONCE("r7")         \
    "3:\n\t"                                                                                                    \
    "add r9, r9, #16\n\tstr r9, %[factors]\n\tldr r9, %[channel]\n\tldr r10, %[out0]\n\tldr r11, %[out1]\n\t"   \
    "ldr r12, %[out2]\n\tldr lr, %[out3]\n\t"                                                                   \
    "strb r3, [lr, r9]\n\tstrb r2, [r12, r9]\n\tstrb r1, [r11, r9]\n\tstrb r0, [r10, r9]\n\tadd r9, r9, #1\n\t" \
    "strb r7, [lr, r9]\n\tstrb r6, [r12, r9]\n\tstrb r5, [r11, r9]\n\tstrb r4, [r10, r9]\n\tadd r9, r9, #1\n\t" \
    "str r9, %[channel]\n\t"                                                                                    \
    "ldr r11, %[channels]\n\tcmp r9, r11\n\tbne 1b\n\t"                                                         \
    TC_GEMM_TWICE(                                                                                             \
    "b 5f\n"                                                                                                    \
    "4:\n\t"                                                                                                    \
    "ldr r10, [r9]\n\tldr r12, [r9, #4]\n\t" TC_GEMM_FACTOR                                                     \
    TC_GEMM_ROUND_TWICE("r0", "lr") TC_GEMM_ROUND_TWICE("r1", "lr") TC_GEMM_ROUND_TWICE("r2", "lr")                \
    TC_GEMM_ROUND_TWICE("r3", "lr")                                                                              \
    "ldr r11, %[rounding]\n\tldr r10, [r9, #8]\n\tldr r12, [r9, #12]\n\t" TC_GEMM_FACTOR                        \
    TC_GEMM_ROUND_TWICE("r4", "lr") TC_GEMM_ROUND_TWICE("r5", "lr") TC_GEMM_ROUND_TWICE("r6", "lr")                \
    TC_GEMM_ROUND_TWICE("r7", "lr")                                                                              \
    "b 3b\n")                                                                                                   \
    "5:\n\t"

/* What it reads besides comes first. */
#define TC_GEMM_4X2_OPERANDS(...)                                                                   \
    : [factors] "+m"(factors), [channel] "+m"(channel), [entry] "+m"(entry)                          \
    : __VA_ARGS__ [weights] "m"(weights), [first] "m"(first), [last] "m"(last), [channels] "m"(channels),        \
    [rounding] "m"(rounding), [out0] "m"(out0), [out1] "m"(out1), [out2] "m"(out2), [out3] "m"(out3) \
    : TC_GEMM_CLOBBERS
/* clang-format on */

#endif

#endif
