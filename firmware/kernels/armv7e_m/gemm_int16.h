/* Products of four pixels of int16 with pairs of output channels, for convolutions on Armv7E-M.
 *
 * Weights w0..w3 of a channel are stored as w0 w2 w1 w3, so that SXTB16 extracts w0 and w1, then w2 and w3: activations
 * are multiplied in the pairs in which they lie in memory. Weights are stored by pairs of channels, and in a pair by
 * groups: a word of the first channel, one of the second. Pixels are stored group by group: x0 and x1 of each pixel, then
 * x2 and x3 of each. */
#ifndef TINYCOMP_GEMM_INT16_H
#define TINYCOMP_GEMM_INT16_H

#include "rounding_int16.h"
#include "tinycomp.h"

#define TC_GEMM_INT16_PIXELS 4

/* A layer, or some of its channels. */
typedef struct {
    size_t groups;          /* of four weights each */
    int rectified;          /* negative outputs become 0 */
    unsigned first;         /* first channel, within an output pixel */
    unsigned channels;      /* an even number, not 0 */
    const int32_t *factors; /* per channel: initial value of the sums, multiplier; see rounding_int16.h */
    const int8_t *weights;
} tc_gemm_int16_t;

/* One of four pixels with all channels, two pairs at a time; a single last pair is computed twice. */
static __attribute__((noinline)) void tc_gemm_int16_pixel(const tc_gemm_int16_t *gemm, const uint32_t *pixel,
                                                          int16_t *out)
{
    const size_t pair = 8 * gemm->groups;
    const uint32_t *const end = pixel + pair;
    const int8_t *weights = gemm->weights;
    out += gemm->first;
    for (unsigned c = 0; c < gemm->channels; c += 4, weights += 2 * pair) {
        const unsigned other = c + 2 < gemm->channels ? 2 : 0;
        const int32_t *const factors = gemm->factors + 2 * (size_t)c, *const more = factors + 2 * (size_t)other;
        const int8_t *v = weights, *w = weights + (other != 0 ? pair : 0);
        uint32_t s0 = (uint32_t)factors[0], s1 = (uint32_t)factors[2];
        uint32_t s2 = (uint32_t)more[0], s3 = (uint32_t)more[2];
        for (const uint32_t *x = pixel; x != end; x += 2 * TC_GEMM_INT16_PIXELS, v += 8, w += 8) {
            const uint32_t x0 = x[0], x1 = x[TC_GEMM_INT16_PIXELS];
            const uint32_t w0 = tc_load_word(v), w1 = tc_load_word(v + 4);
            const uint32_t w2 = tc_load_word(w), w3 = tc_load_word(w + 4);
            s0 = tc_smlad(tc_sxtb16_odd(w0), x1, tc_smlad(tc_sxtb16(w0), x0, s0));
            s1 = tc_smlad(tc_sxtb16_odd(w1), x1, tc_smlad(tc_sxtb16(w1), x0, s1));
            s2 = tc_smlad(tc_sxtb16_odd(w2), x1, tc_smlad(tc_sxtb16(w2), x0, s2));
            s3 = tc_smlad(tc_sxtb16_odd(w3), x1, tc_smlad(tc_sxtb16(w3), x0, s3));
        }
        out[c] = tc_round_int16((int32_t)s0, factors[1], gemm->rectified);
        out[c + 1] = tc_round_int16((int32_t)s1, factors[3], gemm->rectified);
        out[c + other] = tc_round_int16((int32_t)s2, more[1], gemm->rectified);
        out[c + other + 1] = tc_round_int16((int32_t)s3, more[3], gemm->rectified);
    }
}

#if TC_DSP
/* clang-format off */
/* The assembly relies on these member offsets. */
typedef char tc_assert_gemm_int16_offsets[offsetof(tc_gemm_int16_t, weights) == 20 ? 1 : -1];

/* Stack frame. */
#define TC_GEMM_INT16_FIRST "[sp, #0]"
#define TC_GEMM_INT16_OUT0 "[sp, #4]"
#define TC_GEMM_INT16_OUT1 "[sp, #8]"
#define TC_GEMM_INT16_OUT2 "[sp, #12]"
#define TC_GEMM_INT16_OUT3 "[sp, #16]"
#define TC_GEMM_INT16_ENTRY "[sp, #20]"
#define TC_GEMM_INT16_RECTIFIED "[sp, #24]"
#define TC_GEMM_INT16_CHANNEL "[sp, #28]"
#define TC_GEMM_INT16_CHANNELS "[sp, #32]"
#define TC_GEMM_INT16_FACTORS "[sp, #36]"
#define TC_GEMM_INT16_LAST "[sp, #40]"

/* r0-r3 and r4-r7 are the sums of two channels, r8 the weights, r9 the pixels. */
#define TC_GEMM_INT16_HALF(first, second)                                                                       \
    "sxtb16 r10, r10" first "\n\tsxtb16 r11, r11" second "\n\t"                                                 \
    "smlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\tsmlad r1, r10, lr, r1\n\tsmlad r5, r11, lr, r5\n\t"     \
    "ldr r12, [r9], #4\n\tldr lr, [r9], #4\n\tsmlad r2, r10, r12, r2\n\tsmlad r6, r11, r12, r6\n\t"              \
    "smlad r3, r10, lr, r3\n\tsmlad r7, r11, lr, r7\n\t"
#define TC_GEMM_INT16_SECOND                                                                                    \
    "ldr r10, [r8], #4\n\tldr r11, [r8], #4\n\tldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"                        \
    TC_GEMM_INT16_HALF(", ror #8", ", ror #8")
/* 128 bytes. */
#define TC_GEMM_INT16_GROUP                                                                                     \
    "ldr.w r10, [r8]\n\tldr.w r11, [r8, #4]\n\tldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"                        \
    TC_GEMM_INT16_HALF("", "") TC_GEMM_INT16_SECOND
/* The first group: the first pixel's products come last, since r0 and r4 hold the initial value of all sums. */
#define TC_GEMM_INT16_LEAD                                                                                      \
    "ldr r10, [r8]\n\tldr r11, [r8, #4]\n\tldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"                            \
    "sxtb16 r10, r10\n\tsxtb16 r11, r11\n\tsmlad r1, r10, lr, r0\n\tsmlad r5, r11, lr, r4\n\t"                   \
    "ldr lr, [r9], #4\n\tsmlad r2, r10, lr, r0\n\tsmlad r6, r11, lr, r4\n\t"                                     \
    "ldr lr, [r9], #4\n\tsmlad r3, r10, lr, r0\n\tsmlad r7, r11, lr, r4\n\t"                                     \
    "smlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\t" TC_GEMM_INT16_SECOND

/* All channels of four expanded pixels; outs[i] is channel 0 of pixel i. The first pixel is stored last, so that padding
 * pixels may share its address. The loop at label 2 is entered in the middle where groups are not a multiple of its
 * four. */
static __attribute__((noinline)) void tc_gemm_int16(const tc_gemm_int16_t *gemm, const uint32_t *pixels,
                                                    int16_t *const *outs)
{
    register const tc_gemm_int16_t *r0 __asm__("r0") = gemm;
    register const uint32_t *r1 __asm__("r1") = pixels;
    register int16_t *const *r2 __asm__("r2") = outs;
    __asm__ volatile(
        TC_ASM_STACK("tc_gemm_int16", "80") TC_THUMB_SAVE
        "ldm r0, {r6, r7, r8, r9, r10, r11}\n\tadd r9, r9, r8\n\t"
        "ldm r2, {r2, r3, r4, r5}\n\tadd lr, r1, r6, lsl #5\n\t"
        "rsbs r6, r6, #1\n\tite eq\n\tmoveq r6, #4\n\tandne r6, r6, #3\n\tlsl r6, r6, #7\n\t"
        "adr r0, 2f\n\tadd r6, r6, r0\n\torr r6, r6, #1\n\t"
        "sub sp, sp, #44\n\tstm sp, {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10}\n\t"
        "str lr, " TC_GEMM_INT16_LAST "\n\tmov r8, r11\n"
        "1:\n\t"
        "ldr r10, " TC_GEMM_INT16_FACTORS "\n\tldr r0, [r10]\n\tldr r4, [r10, #8]\n\t"
        "ldr r9, " TC_GEMM_INT16_FIRST "\n\t" TC_GEMM_INT16_LEAD
        "ldr pc, " TC_GEMM_INT16_ENTRY "\n\t"
        ".balign 4\n"
        "2:\n\t"
        ".rept 4\n\t" TC_GEMM_INT16_GROUP ".endr\n\t"
        "ldr r12, " TC_GEMM_INT16_LAST "\n\tcmp r9, r12\n\tbne 2b\n\t"
        "ldr r9, " TC_GEMM_INT16_FACTORS "\n\tldr r10, " TC_GEMM_INT16_RECTIFIED "\n\t"
        "ldr r12, [r9, #4]\n\tldr r11, [r9, #12]\n\tadd r9, r9, #16\n\tstr r9, " TC_GEMM_INT16_FACTORS "\n\t"
        "smmulr r0, r0, r12\n\tsmmulr r1, r1, r12\n\tsmmulr r2, r2, r12\n\tsmmulr r3, r3, r12\n\t"
        "smmulr r4, r4, r11\n\tsmmulr r5, r5, r11\n\tsmmulr r6, r6, r11\n\tsmmulr r7, r7, r11\n\t"
        "cmp r10, #0\n\tbeq 3f\n\t"
        ".irp sum, r0, r1, r2, r3, r4, r5, r6, r7\n\tusat \\sum, #15, \\sum\n\t.endr\n\tb 4f\n"
        "3:\n\t"
        ".irp sum, r0, r1, r2, r3, r4, r5, r6, r7\n\tssat \\sum, #16, \\sum\n\t.endr\n"
        "4:\n\t"
        "ldr r9, " TC_GEMM_INT16_CHANNEL "\n\t"
        "ldr r10, " TC_GEMM_INT16_OUT0 "\n\tldr r11, " TC_GEMM_INT16_OUT1 "\n\t"
        "ldr r12, " TC_GEMM_INT16_OUT2 "\n\tldr lr, " TC_GEMM_INT16_OUT3 "\n\t"
        "strh r3, [lr, r9, lsl #1]\n\tstrh r2, [r12, r9, lsl #1]\n\t"
        "strh r1, [r11, r9, lsl #1]\n\tstrh r0, [r10, r9, lsl #1]\n\tadd r9, r9, #1\n\t"
        "strh r7, [lr, r9, lsl #1]\n\tstrh r6, [r12, r9, lsl #1]\n\t"
        "strh r5, [r11, r9, lsl #1]\n\tstrh r4, [r10, r9, lsl #1]\n\tadd r9, r9, #1\n\t"
        "str r9, " TC_GEMM_INT16_CHANNEL "\n\tldr r11, " TC_GEMM_INT16_CHANNELS "\n\tcmp r9, r11\n\tbne 1b\n\t"
        "add sp, sp, #44\n\t" TC_THUMB_RESTORE
        : "+r"(r0), "+r"(r1), "+r"(r2)
        :
        : "r3", "r12", "cc", "memory");
}
/* clang-format on */

#else

static void tc_gemm_int16(const tc_gemm_int16_t *gemm, const uint32_t *pixels, int16_t *const *outs)
{
    for (unsigned i = TC_GEMM_INT16_PIXELS; i > 0; i--) {
        tc_gemm_int16_pixel(gemm, &pixels[i - 1], outs[i - 1]);
    }
}

#endif

#endif
