/* Four pixels at a time with all output channels, or one of them: see gemm.h. */
#ifndef TINYCOMP_GEMM_4X2_H
#define TINYCOMP_GEMM_4X2_H

#include "gemm_4x2_asm.h"

#if TC_DSP && defined(__OPTIMIZE__)

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
/* The first group: the first pixel's products come last, since r0 and r4 are what all sums start at. */
#define TC_GEMM_4X2_LEAD                                                                                        \
    TC_GEMM_4X2_WEIGHTS                                                                                         \
    "smlad r1, r10, lr, r0\n\tsmlad r5, r11, lr, r4\n\tldr lr, [r9], #4\n\tsmlad r2, r10, lr, r0\n\t"            \
    "smlad r6, r11, lr, r4\n\tldr lr, [r9], #4\n\tsmlad r3, r10, lr, r0\n\tsmlad r7, r11, lr, r4\n\t"            \
    "smlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\t" TC_GEMM_4X2_REST

static __attribute__((noinline)) void tc_gemm_4x2(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    TC_GEMM_4X2_STATE(4u, 112u);
    __asm__ volatile(
        TC_GEMM_4X2_CODE("", TC_GEMM_4X2_LEAD, TC_GEMM_4X2_GROUP TC_GEMM_4X2_GROUP TC_GEMM_4X2_GROUP TC_GEMM_4X2_GROUP)
        TC_GEMM_4X2_OPERANDS());
}

/* r0-r3 are the sums of four channels, r8 and r12 the weights of two pairs, r9 the pixel. */
#define TC_GEMM_ONE_GROUP                                                                                       \
    "ldr r10, [r8], #4\n\tldr r11, [r8], #4\n\tldr r4, [r12], #4\n\tldr r5, [r12], #4\n\tldr r6, [r9], #16\n\t" \
    "ldr r7, [r9], #16\n\tsmlad r0, r10, r6, r0\n\tsmlad r1, r11, r6, r1\n\tsmlad r2, r4, r6, r2\n\t"           \
    "smlad r3, r5, r6, r3\n\tsxtb16 r10, r10\n\tsxtb16 r11, r11\n\tsxtb16 r4, r4\n\tsxtb16 r5, r5\n\t"          \
    "smlad r0, r10, r7, r0\n\tsmlad r1, r11, r7, r1\n\tsmlad r2, r4, r7, r2\n\tsmlad r3, r5, r7, r3\n\t"

/* One of four pixels. Where the last pair of channels is alone it is taken twice. */
static __attribute__((noinline)) void tc_gemm_one(const tc_gemm_t *gemm, const uint32_t *pixel, int8_t *out)
{
    const size_t pair = 8 * gemm->groups;
    const uint32_t *volatile const last = pixel + pair;
    const int8_t *weights = gemm->weights;
    out += gemm->first;
    for (unsigned c = 0; c < gemm->channels; c += 4, weights += 2 * pair) {
        const int32_t *const factors = gemm->factors + 2 * (size_t)c;
        const unsigned other = c + 2 < gemm->channels ? 2 : 0;
        register uint32_t s0 __asm__("r0") = (uint32_t)factors[0];
        register uint32_t s1 __asm__("r1") = (uint32_t)factors[2];
        register uint32_t s2 __asm__("r2") = (uint32_t)factors[2 * other];
        register uint32_t s3 __asm__("r3") = (uint32_t)factors[2 * other + 2];
        register const int8_t *first_pair __asm__("r8") = weights;
        register const int8_t *second_pair __asm__("r12") = weights + (other != 0 ? pair : 0);
        register const uint32_t *x __asm__("r9") = pixel;
        __asm__ volatile(
            "1:\n\t" TC_GEMM_ONE_GROUP "ldr r4, %[last]\n\tcmp r9, r4\n\tbeq 2f\n\t"
            TC_GEMM_ONE_GROUP "ldr r4, %[last]\n\tcmp r9, r4\n\tbne 1b\n"
            "2:\n\t"
            : "+r"(s0), "+r"(s1), "+r"(s2), "+r"(s3), "+r"(first_pair), "+r"(second_pair), "+r"(x)
            : [last] "m"(last)
            : "r4", "r5", "r6", "r7", "r10", "r11", "cc", "memory");
        const uint32_t sums[4] = {s0, s1, s2, s3}; /* a call below would overwrite the registers */
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
