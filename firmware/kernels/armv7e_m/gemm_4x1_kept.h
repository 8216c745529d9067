/* Four pixels at a time with all output channels, without the words of four weights that are all zero: 17 instructions
 * for the 16 products of each other word, and 8 more for 16 words, kept or not. See gemm.h and kept_words.h. */
#ifndef TINYCOMP_GEMM_4X1_KEPT_H
#define TINYCOMP_GEMM_4X1_KEPT_H

#include "gemm.h"
#include "kept_words.h"

#define TC_GEMM_4X1_KEPT_PIXELS 4

/* A layer. `gemm` has an even number of channels; its weights are the words that are kept. */
typedef struct {
    tc_gemm_t gemm;
    unsigned channels; /* real ones */
    const uint16_t *kept;
} tc_gemm_kept_t;

#if TC_DSP

/* The assembly relies on these member offsets of tc_gemm_kept_t. */
typedef char
    tc_assert_gemm_kept_offsets[offsetof(tc_gemm_kept_t, channels) == 28 && offsetof(tc_gemm_kept_t, kept) == 32 ? 1
                                                                                                                 : -1];

/* clang-format off */
/* Stack frame. */
#define TC_GEMM_KEPT_PIXELS "[sp, #0]"
#define TC_GEMM_KEPT_OUT0 "[sp, #4]"
#define TC_GEMM_KEPT_OUT1 "[sp, #8]"
#define TC_GEMM_KEPT_OUT2 "[sp, #12]"
#define TC_GEMM_KEPT_OUT3 "[sp, #16]"
#define TC_GEMM_KEPT_END "[sp, #20]"
#define TC_GEMM_KEPT_ROUNDING "[sp, #24]"
#define TC_GEMM_KEPT_CHANNEL "[sp, #28]"
#define TC_GEMM_KEPT_CHANNELS "[sp, #32]"
#define TC_GEMM_KEPT_FACTORS "[sp, #36]"

/* A and B of four pixels with a word of weights in r10. */
#define TC_GEMM_KEPT_PRODUCTS                                                                               \
    "ldm r9!, {r4, r5, r6, r7}\n\tsmlad r0, r10, r4, r0\n\tsmlad r1, r10, r5, r1\n\t"                        \
    "smlad r2, r10, r6, r2\n\tsmlad r3, r10, r7, r3\n\tsxtb16 r10, r10\n\tldm r9!, {r4, r5, r6, r7}\n\t"     \
    "smlad r0, r10, r4, r0\n\tsmlad r1, r10, r5, r1\n\tsmlad r2, r10, r6, r2\n\tsmlad r3, r10, r7, r3\n\t"

/* All channels. r0-r3 are the sums of a channel, r8 the words, r9 the pixels, r11 the bits of the next words, r12 the
 * pixels behind them, lr the bits after those. Label 1: next channel, 2: next bits, 3: next word. The first pixel is
 * stored last, so that padding pixels may share its address. */
static __attribute__((noinline)) void tc_gemm_4x1_kept(const tc_gemm_t *gemm, const uint32_t *pixels,
                                                       int8_t *const *outs)
{
    register const tc_gemm_t *r0 __asm__("r0") = gemm;
    register const uint32_t *r1 __asm__("r1") = pixels;
    register int8_t *const *r2 __asm__("r2") = outs;
    __asm__ volatile(
        TC_ASM_STACK("tc_gemm_4x1_kept", "76") TC_THUMB_SAVE
        "ldr lr, [r0, #32]\n\tldr r9, [r0, #28]\n\tldm r2, {r2, r3, r4, r5}\n\tldr r6, [r0]\n\tldr r7, [r0, #4]\n\t"
        "mov r8, #0\n\tldr r10, [r0, #16]\n\tadd r6, r1, r6, lsl #5\n\t"
        "push {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10}\n\tldr r8, [r0, #20]\n"
        "1:\n\t"
        "ldr r0, [r10]\n\tldr r12, " TC_GEMM_KEPT_PIXELS "\n\tmov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n"
        "2:\n\t"
        "ldrh r11, [lr], #2\n\tmov r9, r12\n\tadd r12, r12, #512\n\tlsls r11, r11, #16\n\tbeq 4f\n"
        "3:\n\t"
        "clz r10, r11\n\tadd r9, r9, r10, lsl #5\n\tlsl r11, r11, r10\n\tldr r10, [r8], #4\n\t"
        TC_GEMM_KEPT_PRODUCTS
        "lsls r11, r11, #1\n\tbne 3b\n"
        "4:\n\t"
        "ldr r10, " TC_GEMM_KEPT_END "\n\tcmp r12, r10\n\tblo 2b\n\t"
        "ldr r9, " TC_GEMM_KEPT_FACTORS "\n\tldr r11, " TC_GEMM_KEPT_ROUNDING "\n\tldr r12, [r9, #4]\n\t"
        TC_GEMM_TO_TWICE("6f")
        TC_GEMM_ROUND_ONCE("r0") TC_GEMM_ROUND_ONCE("r1") TC_GEMM_ROUND_ONCE("r2") TC_GEMM_ROUND_ONCE("r3")
        "5:\n\t"
        "add r10, r9, #8\n\tstr r10, " TC_GEMM_KEPT_FACTORS "\n\tldr r9, " TC_GEMM_KEPT_CHANNEL "\n\t"
        "ldr r4, " TC_GEMM_KEPT_OUT3 "\n\tldr r5, " TC_GEMM_KEPT_OUT2 "\n\t"
        "ldr r6, " TC_GEMM_KEPT_OUT1 "\n\tldr r7, " TC_GEMM_KEPT_OUT0 "\n\t"
        "strb r3, [r4, r9]\n\tstrb r2, [r5, r9]\n\tstrb r1, [r6, r9]\n\tstrb r0, [r7, r9]\n\tadd r9, r9, #1\n\t"
        "str r9, " TC_GEMM_KEPT_CHANNEL "\n\tldr r11, " TC_GEMM_KEPT_CHANNELS "\n\tcmp r9, r11\n\tbne 1b\n\t"
        TC_GEMM_TWICE(
        "b 7f\n"
        "6:\n\t"
        "ldr r10, [r9]\n\t" TC_GEMM_FACTOR
        TC_GEMM_ROUND_TWICE("r0", "r4") TC_GEMM_ROUND_TWICE("r1", "r4") TC_GEMM_ROUND_TWICE("r2", "r4")
        TC_GEMM_ROUND_TWICE("r3", "r4")
        "b 5b\n")
        "7:\n\tadd sp, sp, #40\n\t" TC_THUMB_RESTORE
        : "+r"(r0), "+r"(r1), "+r"(r2)
        :
        : "r3", "r12", "cc", "memory");
}
/* clang-format on */

#else

static void tc_gemm_4x1_kept(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs)
{
    const tc_gemm_kept_t *const layer = (const tc_gemm_kept_t *)(const void *)gemm;
    for (unsigned i = TC_GEMM_4X1_KEPT_PIXELS; i-- > 0;) {
        const int8_t *words = gemm->weights;
        const uint16_t *kept = layer->kept;
        for (unsigned c = 0; c < layer->channels; c++) {
            uint32_t sum = (uint32_t)gemm->factors[2 * c];
            unsigned bits = 0;
            for (size_t g = 0; g < gemm->groups; g++, bits <<= 1) {
                const uint32_t *const x = pixels + 2 * TC_GEMM_4X1_KEPT_PIXELS * g + i;
                bits = g % TC_KEPT_WORDS_UNIT == 0 ? *kept++ : bits;
                if ((bits & 0x8000u) != 0) {
                    const uint32_t w = tc_load_word(words);
                    sum = tc_smlad(tc_sxtb16(w), x[TC_GEMM_4X1_KEPT_PIXELS], tc_smlad(w, x[0], sum));
                    words += 4;
                }
            }
            outs[i][c] = tc_gemm_requantize(gemm, gemm->factors + 2 * c, sum);
        }
    }
}

#endif

#endif
