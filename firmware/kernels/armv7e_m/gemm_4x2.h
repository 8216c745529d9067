/* Four pixels at a time with all output channels, or one of them: see gemm.h. */
#ifndef TINYCOMP_GEMM_4X2_H
#define TINYCOMP_GEMM_4X2_H

#include "gemm_4x2_asm.h"

#if TC_DSP

/* clang-format off */
/* r0-r3 and r4-r7 are the sums of two channels, r8 the weights, r9 the pixels. 112 bytes. */
#define TC_GEMM_4X2_WEIGHTS "ldr r10, [r8], #4\n\tldr r11, [r8], #4\n\tldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"
#define TC_GEMM_4X2_REST                                                                                        \
    "ldr r12, [r9], #4\n\tldr lr, [r9], #4\n\tsxtb16 r10, r10\n\tsxtb16 r11, r11\n\tsmlad r0, r10, r12, r0\n\t"  \
    "smlad r4, r11, r12, r4\n\tsmlad r1, r10, lr, r1\n\tsmlad r5, r11, lr, r5\n\tldr r12, [r9], #4\n\t"          \
    "ldr lr, [r9], #4\n\tsmlad r2, r10, r12, r2\n\tsmlad r6, r11, r12, r6\n\tsmlad r3, r10, lr, r3\n\t"          \
    "smlad r7, r11, lr, r7\n\t"
#define TC_GEMM_4X2_GROUP                                                                                       \
    TC_GEMM_4X2_WEIGHTS                                                                                         \
    "smlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\tsmlad r1, r10, lr, r1\n\tsmlad r5, r11, lr, r5\n\t"     \
    "ldr r12, [r9], #4\n\tldr lr, [r9], #4\n\tsmlad r2, r10, r12, r2\n\tsmlad r6, r11, r12, r6\n\t"              \
    "smlad r3, r10, lr, r3\n\tsmlad r7, r11, lr, r7\n\t" TC_GEMM_4X2_REST
/* The first group: the first pixel's products come last, since r0 and r4 hold the initial value of all sums. */
#define TC_GEMM_4X2_LEAD                                                                                        \
    TC_GEMM_4X2_WEIGHTS                                                                                         \
    "smlad r1, r10, lr, r0\n\tsmlad r5, r11, lr, r4\n\tldr lr, [r9], #4\n\tsmlad r2, r10, lr, r0\n\t"            \
    "smlad r6, r11, lr, r4\n\tldr lr, [r9], #4\n\tsmlad r3, r10, lr, r0\n\tsmlad r7, r11, lr, r4\n\t"            \
    "smlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\t" TC_GEMM_4X2_REST

TC_GEMM_4X2_FUNCTION(tc_gemm_4x2, "112", "", TC_GEMM_4X2_LEAD,
                     ".rept " TC_GEMM_UNROLL(4) "\n\t" TC_GEMM_4X2_GROUP ".endr\n\t")

/* r0-r3 are the sums of four channels, r8 and r12 the weights of two pairs, r9 the pixel. */
#define TC_GEMM_ONE_GROUP                                                                                       \
    "ldr r10, [r8], #4\n\tldr r11, [r8], #4\n\tldr r4, [r12], #4\n\tldr r5, [r12], #4\n\tldr r6, [r9], #16\n\t" \
    "ldr r7, [r9], #16\n\tsmlad r0, r10, r6, r0\n\tsmlad r1, r11, r6, r1\n\tsmlad r2, r4, r6, r2\n\t"           \
    "smlad r3, r5, r6, r3\n\tsxtb16 r10, r10\n\tsxtb16 r11, r11\n\tsxtb16 r4, r4\n\tsxtb16 r5, r5\n\t"          \
    "smlad r0, r10, r7, r0\n\tsmlad r1, r11, r7, r1\n\tsmlad r2, r4, r7, r2\n\tsmlad r3, r5, r7, r3\n\t"

/* Adds the products of one of four pixels up to `last` to four sums; `other` is the weights of the second pair. */
static inline void tc_gemm_one_sums(const int8_t *weights, const int8_t *other, const uint32_t *pixel,
                                    const uint32_t *last, uint32_t *sums)
{
    register uint32_t *r0 __asm__("r0") = sums;
    register const int8_t *r1 __asm__("r1") = weights;
    register const int8_t *r2 __asm__("r2") = other;
    register const uint32_t *r3 __asm__("r3") = pixel;
    register const uint32_t *r12 __asm__("r12") = last;
    __asm__ volatile(
        "push {r0, r7, r9, r11}\n\tmov lr, r12\n\tmov r8, r1\n\tmov r12, r2\n\tmov r9, r3\n\t"
        "ldm r0, {r0, r1, r2, r3}\n"
        "1:\n\t" TC_GEMM_ONE_GROUP "cmp r9, lr\n\tbeq 2f\n\t" TC_GEMM_ONE_GROUP "cmp r9, lr\n\tbne 1b\n"
        "2:\n\t"
        "pop {r4, r7, r9, r11}\n\tstm r4, {r0, r1, r2, r3}\n\t"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12)
        :
        : "r4", "r5", "r6", "r8", "r10", "lr", "cc", "memory");
}

/* One of four pixels. A single last pair of channels is computed twice. */
static __attribute__((noinline)) void tc_gemm_one(const tc_gemm_t *gemm, const uint32_t *pixel, int8_t *out)
{
    const size_t pair = 8 * gemm->groups;
    const int8_t *weights = gemm->weights;
    __asm__ volatile(TC_ASM_STACK("tc_gemm_one", "16"));
    out += gemm->first;
    for (unsigned c = 0; c < gemm->channels; c += 4, weights += 2 * pair) {
        const int32_t *const factors = gemm->factors + 2 * (size_t)c;
        const unsigned other = c + 2 < gemm->channels ? 2 : 0;
        uint32_t sums[4] = {(uint32_t)factors[0], (uint32_t)factors[2], (uint32_t)factors[2 * other],
                            (uint32_t)factors[2 * other + 2]};
        tc_gemm_one_sums(weights, weights + (other != 0 ? pair : 0), pixel, pixel + pair, sums);
        for (unsigned i = 0; i < 2; i++) {
            out[c + i] = tc_gemm_requantize(gemm, factors + 2 * i, sums[i]);
            out[c + other + i] = tc_gemm_requantize(gemm, factors + 2 * (other + i), sums[2 + i]);
        }
    }
}
/* clang-format on */

#else

static void tc_gemm_one(const tc_gemm_t *gemm, const uint32_t *pixel, int8_t *out)
{
    tc_gemm_pixel(gemm, pixel, TC_GEMM_4X2_PIXELS, out);
}

static void tc_gemm_4x2(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    for (unsigned i = 0; i < TC_GEMM_4X2_PIXELS; i++) {
        tc_gemm_pixel(gemm, pixels + i, TC_GEMM_4X2_PIXELS, outs[i]);
    }
}

#endif

#endif
