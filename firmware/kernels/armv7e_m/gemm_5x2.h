/* Five pixels at a time with all output channels: see gemm.h. For rows of 5, 10, ... pixels. */
#ifndef TINYCOMP_GEMM_5X2_H
#define TINYCOMP_GEMM_5X2_H

#include "gemm.h"

#define TC_GEMM_5X2_PIXELS 5

#if TC_DSP && defined(__OPTIMIZE__)

/* clang-format off */
/* r0-r4 and r5-r9 are the sums of two channels, lr the pixels; the weights' address is in memory. 144 bytes. */
#define TC_GEMM_5X2_GROUP                                                                                \
    "ldr r12, %[weights]\n\tldr r10, [r12], #4\n\tldr r11, [r12], #4\n\tstr r12, %[weights]\n\t"          \
    "ldr r12, [lr], #4\n\tsmlad r0, r10, r12, r0\n\tsmlad r5, r11, r12, r5\n\tldr r12, [lr], #4\n\t"      \
    "smlad r1, r10, r12, r1\n\tsmlad r6, r11, r12, r6\n\tldr r12, [lr], #4\n\tsmlad r2, r10, r12, r2\n\t" \
    "smlad r7, r11, r12, r7\n\tldr r12, [lr], #4\n\tsmlad r3, r10, r12, r3\n\tsmlad r8, r11, r12, r8\n\t" \
    "ldr r12, [lr], #4\n\tsmlad r4, r10, r12, r4\n\tsmlad r9, r11, r12, r9\n\tsxtb16 r10, r10\n\t"        \
    "sxtb16 r11, r11\n\tldr r12, [lr], #4\n\tsmlad r0, r10, r12, r0\n\tsmlad r5, r11, r12, r5\n\t"        \
    "ldr r12, [lr], #4\n\tsmlad r1, r10, r12, r1\n\tsmlad r6, r11, r12, r6\n\tldr r12, [lr], #4\n\t"      \
    "smlad r2, r10, r12, r2\n\tsmlad r7, r11, r12, r7\n\tldr r12, [lr], #4\n\tsmlad r3, r10, r12, r3\n\t" \
    "smlad r8, r11, r12, r8\n\tldr r12, [lr], #4\n\tsmlad r4, r10, r12, r4\n\tsmlad r9, r11, r12, r9\n\t"

static __attribute__((noinline)) void tc_gemm_5x2(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    TC_GEMM_STATE(gemm, pixels, TC_GEMM_5X2_PIXELS, 0u, 2u, 144u)
    int8_t *volatile const out0 = outs[0];
    int8_t *volatile const out1 = outs[1];
    int8_t *volatile const out2 = outs[2];
    int8_t *volatile const out3 = outs[3];
    int8_t *volatile const out4 = outs[4];
    __asm__ volatile(
        TC_GEMM_ENTRY
        "1:\n\t" /* a pair of channels */
        "ldr r10, %[factors]\n\tldr r11, %[entry]\n\tldr r0, [r10]\n\tldr r5, [r10, #8]\n\tldr lr, %[first]\n\t"
        "mov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\tmov r4, r0\n\t"
        "mov r6, r5\n\tmov r7, r5\n\tmov r8, r5\n\tmov r9, r5\n\tbx r11\n\t"
        ".balign 4\n"
        "2:\n\t" TC_GEMM_5X2_GROUP TC_GEMM_5X2_GROUP
        "ldr r12, %[last]\n\tcmp lr, r12\n\tbne 2b\n\t"
        "ldr lr, %[factors]\n\tldr r11, %[rounding]\n\t" TC_GEMM_TO_TWICE("4f")
        "ldr r12, [lr, #4]\n\t"
        TC_GEMM_ROUND_ONCE("r0") TC_GEMM_ROUND_ONCE("r1") TC_GEMM_ROUND_ONCE("r2") TC_GEMM_ROUND_ONCE("r3")
        TC_GEMM_ROUND_ONCE("r4") "ldr r12, [lr, #12]\n\t"
        TC_GEMM_ROUND_ONCE("r5") TC_GEMM_ROUND_ONCE("r6") TC_GEMM_ROUND_ONCE("r7") TC_GEMM_ROUND_ONCE("r8")
        TC_GEMM_ROUND_ONCE("r9")
        "3:\n\t"
        "ldr r10, %[channel]\n\tadd r11, r10, #1\n\tldr r12, %[out0]\n\tldr lr, %[out1]\n\t"
        "strb r0, [r12, r10]\n\tstrb r5, [r12, r11]\n\tstrb r1, [lr, r10]\n\tstrb r6, [lr, r11]\n\t"
        "ldr r12, %[out2]\n\tldr lr, %[out3]\n\t"
        "strb r2, [r12, r10]\n\tstrb r7, [r12, r11]\n\tstrb r3, [lr, r10]\n\tstrb r8, [lr, r11]\n\t"
        "ldr r12, %[out4]\n\tadd lr, r10, #2\n\t"
        "strb r4, [r12, r10]\n\tstrb r9, [r12, r11]\n\tstr lr, %[channel]\n\t"
        "ldr r10, %[factors]\n\tldr r11, %[channels]\n\tadd r10, r10, #16\n\tstr r10, %[factors]\n\t"
        "cmp lr, r11\n\tbne 1b\n\t"
        TC_GEMM_TWICE(
        "b 5f\n"
        "4:\n\t"
        "ldr r10, [lr]\n\tldr r12, [lr, #4]\n\t" TC_GEMM_FACTOR
        TC_GEMM_ROUND_TWICE("r0", "lr") TC_GEMM_ROUND_TWICE("r1", "lr") TC_GEMM_ROUND_TWICE("r2", "lr")
        TC_GEMM_ROUND_TWICE("r3", "lr") TC_GEMM_ROUND_TWICE("r4", "lr")
        "ldr lr, %[factors]\n\tldr r11, %[rounding]\n\tldr r10, [lr, #8]\n\tldr r12, [lr, #12]\n\t" TC_GEMM_FACTOR
        TC_GEMM_ROUND_TWICE("r5", "lr") TC_GEMM_ROUND_TWICE("r6", "lr") TC_GEMM_ROUND_TWICE("r7", "lr")
        TC_GEMM_ROUND_TWICE("r8", "lr") TC_GEMM_ROUND_TWICE("r9", "lr")
        "b 3b\n")
        "5:\n\t"
        : [factors] "+m"(factors), [channel] "+m"(channel), [entry] "+m"(entry), [weights] "+m"(weights)
        : [first] "m"(first), [last] "m"(last), [channels] "m"(channels), [rounding] "m"(rounding),
          [out0] "m"(out0), [out1] "m"(out1), [out2] "m"(out2), [out3] "m"(out3), [out4] "m"(out4)
        : TC_GEMM_CLOBBERS);
}
/* clang-format on */

#else

static void tc_gemm_5x2(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    for (unsigned i = 0; i < TC_GEMM_5X2_PIXELS; i++) {
        tc_gemm_pixel(gemm, pixels + i, TC_GEMM_5X2_PIXELS, outs[i]);
    }
}

#endif

#endif
