/* Four pixels at a time with all output channels, or one of them, with weights that are looked up in pairs: 64
 * instructions for 64 products; weights as words take 56.
 *
 * Expanded pixels are words of two activations: first (x0, x2) of each pixel, then (x1, x3). Indices are stored by
 * pairs of channels, and in a pair by groups: a byte for w0 and w2 of each channel, then for w1 and w3. */
#ifndef TINYCOMP_GEMM_4X2_CODEBOOK_H
#define TINYCOMP_GEMM_4X2_CODEBOOK_H

#include "gemm_4x2_asm.h"
#include "pair_table.h"

/* 1: no layer has rows of a single pixel. */
#ifndef TC_GEMM_CODEBOOK_BROAD
#define TC_GEMM_CODEBOOK_BROAD 0
#endif

#if TC_DSP

/* clang-format off */
/* r10 and r11 are weights, r12 is a pixel, lr the table. 128 bytes. */
#define TC_GEMM_4X2_CODEBOOK_WEIGHTS \
    "ldrb r10, [r8], #1\n\tldrb r11, [r8], #1\n\tldr r10, [lr, r10, lsl #2]\n\tldr r11, [lr, r11, lsl #2]\n\t"
#define TC_GEMM_4X2_CODEBOOK_HALF                                              \
    TC_GEMM_4X2_CODEBOOK_WEIGHTS                                               \
    "ldr r12, [r9], #4\n\tsmlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\t"                               \
    "ldr r12, [r9], #4\n\tsmlad r1, r10, r12, r1\n\tsmlad r5, r11, r12, r5\n\t"                               \
    "ldr r12, [r9], #4\n\tsmlad r2, r10, r12, r2\n\tsmlad r6, r11, r12, r6\n\t"                               \
    "ldr r12, [r9], #4\n\tsmlad r3, r10, r12, r3\n\tsmlad r7, r11, r12, r7\n\t"
/* The first group: see gemm_4x2.h. */
#define TC_GEMM_4X2_CODEBOOK_LEAD                                              \
    TC_GEMM_4X2_CODEBOOK_WEIGHTS                                               \
    "ldr r12, [r9, #4]\n\tsmlad r1, r10, r12, r0\n\tsmlad r5, r11, r12, r4\n\t"  \
    "ldr r12, [r9, #8]\n\tsmlad r2, r10, r12, r0\n\tsmlad r6, r11, r12, r4\n\t"  \
    "ldr r12, [r9, #12]\n\tsmlad r3, r10, r12, r0\n\tsmlad r7, r11, r12, r4\n\t" \
    "ldr r12, [r9], #16\n\tsmlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\t" TC_GEMM_4X2_CODEBOOK_HALF
#define TC_GEMM_4X2_CODEBOOK_GROUP TC_GEMM_4X2_CODEBOOK_HALF TC_GEMM_4X2_CODEBOOK_HALF

TC_GEMM_4X2_FUNCTION(tc_gemm_4x2_codebook, "128", "ldr lr, " TC_GEMM_4X2_PAIRS "\n\t", TC_GEMM_4X2_CODEBOOK_LEAD,
                     ".rept " TC_GEMM_UNROLL(4) "\n\t" TC_GEMM_4X2_CODEBOOK_GROUP ".endr\n\t")
/* clang-format on */

#if !TC_GEMM_CODEBOOK_BROAD

/* One of four pixels. */
static __attribute__((noinline)) void tc_gemm_one_codebook(const tc_gemm_t *gemm, const uint32_t *pixel, int8_t *out)
{
    const uint32_t *const end = pixel + 2 * TC_GEMM_4X2_PIXELS * gemm->groups;
    const int8_t *index = gemm->weights;
    const int32_t *factors = gemm->factors;
    out += gemm->first;
    for (int8_t *const last = out + gemm->channels; out != last; out += 2, factors += 4) {
        uint32_t sum = (uint32_t)factors[0], other = (uint32_t)factors[2], w, x;
        const uint32_t *from = pixel;
        __asm__ volatile("1:\n\t"
                         "ldrb %4, [%2], #1\n\tldr %5, [%3], #16\n\tldr %4, [%6, %4, lsl #2]\n\t"
                         "smlad %0, %4, %5, %0\n\tldrb %4, [%2], #1\n\tldr %4, [%6, %4, lsl #2]\n\t"
                         "smlad %1, %4, %5, %1\n\tcmp %3, %7\n\tbne 1b"
                         : "+&r"(sum), "+&r"(other), "+&r"(index), "+&r"(from), "=&r"(w), "=&r"(x)
                         : "r"(gemm->pairs), "r"(end)
                         : "cc", "memory");
        out[0] = tc_gemm_requantize(gemm, factors, sum);
        out[1] = tc_gemm_requantize(gemm, factors + 2, other);
    }
}

#endif

/* Pixels that are not needed have the first one's place. */
static inline void tc_gemm_codebook(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
#if !TC_GEMM_CODEBOOK_BROAD
    if (outs[1] == outs[0]) {
        tc_gemm_one_codebook(gemm, pixels, outs[0]);
        return;
    }
#endif
    tc_gemm_4x2_codebook(gemm, pixels, outs);
}

#else

static void tc_gemm_codebook(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    for (unsigned i = TC_GEMM_4X2_PIXELS; i-- > 0;) {
        for (unsigned c = 0; c < gemm->channels; c++) {
            const int8_t *index = gemm->weights + 4 * gemm->groups * (c / 2) + c % 2;
            uint32_t sum = (uint32_t)gemm->factors[2 * c];
            for (const uint32_t *x = pixels + i, *const end = x + 2 * TC_GEMM_4X2_PIXELS * gemm->groups; x != end;
                 x += TC_GEMM_4X2_PIXELS, index += 2) {
                sum = tc_smlad(gemm->pairs[(uint8_t)*index], *x, sum);
            }
            outs[i][gemm->first + c] = tc_gemm_requantize(gemm, gemm->factors + 2 * c, sum);
        }
    }
}

#endif

#endif
