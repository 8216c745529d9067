/* Matrix multiplication of pixels and output channels on Armv8.1-M with MVE: four channels of two pixels at a time,
 * sixteen products per instruction, 16 instructions for 128 products.
 *
 * Weights are stored in blocks of four channels: first the remainder of the length, 1 to 16 weights of each channel,
 * then repeatedly sixteen weights of each. The last block is the last four channels, and may overlap the block before
 * it. Biases, multipliers and shifts are stored channel by channel. */
#ifndef TINYCOMP_GEMM_MVE_H
#define TINYCOMP_GEMM_MVE_H

#include "mve.h"
#include "tinycomp.h"

#define TC_GEMM_BLOCK 4u

/* Input: `count` pixels of `length` activations, `pixel_step` bytes apart. Output: `channels` channels (at least four)
 * per pixel, pixels `out_step` bytes apart; `out` is the first channel of the first pixel. */
typedef struct {
    const int8_t *pixels;
    size_t pixel_step, length, count;
    const int8_t *weights;
    const int32_t *bias, *multiplier;
    const int8_t *shift; /* left shifts, negative */
    int8_t *out;
    size_t out_step;
    size_t channels;
    int32_t zero_point;
} tc_gemm_mve_t;

typedef void (*tc_gemm_mve_function_t)(const tc_gemm_mve_t *gemm);

/* Weights in the remainder, 1 to 16. */
static inline size_t tc_gemm_mve_rest(size_t length)
{
    return (length - 1) % 16 + 1;
}

/* Copies a channel's weights, sixteen at a time, to their positions in a block. */
static inline void tc_gemm_mve_place(const int8_t *from, size_t sixteens, int8_t *to)
{
#if TC_MVE
    __asm__ volatile(
        "wls lr, %[sixteens], 2f\n1:\n\tvldrb.8 q0, [%[from]], #16\n\tvstrb.8 q0, [%[to]], #64\n\tle lr, 1b\n"
        "2:\n\t"
        : [from] "+&r"(from), [to] "+&r"(to)
        : [sixteens] "r"(sixteens)
        : "lr", "q0", "cc", "memory");
#else
    for (; sixteens > 0; sixteens--, from += 16, to += TC_GEMM_BLOCK * 16) {
        memcpy(to, from, 16);
    }
#endif
}

/* Rearranges weights of `channels` channels, stored channel by channel, into blocks. */
static void tc_gemm_mve_arrange(const int8_t *weights, size_t channels, size_t length, int8_t *to)
{
    const size_t rest = tc_gemm_mve_rest(length);
    for (size_t c = 0; c < channels; c += TC_GEMM_BLOCK, to += TC_GEMM_BLOCK * length) {
        const size_t first = c + TC_GEMM_BLOCK <= channels ? c : channels - TC_GEMM_BLOCK;
        for (size_t i = 0; i < TC_GEMM_BLOCK; i++) {
            const int8_t *const from = weights + (first + i) * length;
            tc_mve_copy(to + i * rest, from, rest);
            tc_gemm_mve_place(from + rest, (length - rest) / 16, to + TC_GEMM_BLOCK * rest + i * 16);
        }
    }
}

/* Reads the weights of `channels` channels from channel `first` on, in blocks. Scratch: that many full blocks if they
 * are decoded; twice that if they are `plain`, stored channel by channel. */
static const int8_t *tc_gemm_mve_weights(const tc_weights_t *weights, int plain, size_t first, size_t channels,
                                         size_t length, int8_t *scratch)
{
    const size_t whole = (channels + TC_GEMM_BLOCK - 1) / TC_GEMM_BLOCK * TC_GEMM_BLOCK * length;
    if (!plain) {
        return tc_weights_read(weights, first * length, whole, scratch);
    }
    tc_gemm_mve_arrange(tc_weights_read(weights, first * length, channels * length, scratch + whole), channels, length,
                        scratch);
    return scratch;
}

#if TC_MVE

/* The sums of a channel for one or two pixels, with activations in q0 (and q1): first products, further products. */
#define TC_GEMM_FIRST(sum) "vldrb.8 q2, [r5]\n\tadd r5, r5, r9\n\tvmladav.s8 " sum ", q0, q2\n\t"
#define TC_GEMM_FIRST_OF_TWO(sum, other) TC_GEMM_FIRST(sum) "vmladav.s8 " other ", q1, q2\n\t"
#define TC_GEMM_NEXT(sum) "vldrb.8 q2, [r5], #16\n\tvmladava.s8 " sum ", q0, q2\n\t"
#define TC_GEMM_NEXT_OF_TWO(sum, other) TC_GEMM_NEXT(sum) "vmladava.s8 " other ", q1, q2\n\t"

/* Rounds twice; TC_GEMM_AWAY is left out if negative values saturate anyway. */
#define TC_GEMM_SCALE(sums, multiply, away)                                                                       \
    "vadd.i32 " sums ", " sums ", q5\n\t" multiply " " sums ", " sums ", q6\n\t" away "vrshl.s32 " sums ", " sums \
    ", q7\n\t"
#define TC_GEMM_AWAY(sums) "vshr.s32 q2, " sums ", #31\n\tvadd.i32 " sums ", " sums ", q2\n\t"

/* Stack frame. */
#define TC_GEMM_AT_BIAS "[sp, #0]"
#define TC_GEMM_AT_MULTIPLIER "[sp, #4]"
#define TC_GEMM_AT_SHIFT "[sp, #8]"
#define TC_GEMM_AT_WEIGHTS "[sp, #12]"
#define TC_GEMM_AT_OUT "[sp, #16]"     /* of the first pixel */
#define TC_GEMM_AT_OUT_END "[sp, #20]" /* end of the last full block of channels */
#define TC_GEMM_AT_PIXEL "[sp, #24]"
#define TC_GEMM_AT_SECOND "[sp, #28]"
#define TC_GEMM_AT_PAIRS_END "[sp, #32]"
#define TC_GEMM_AT_ODD "[sp, #36]"
#define TC_GEMM_AT_REST "[sp, #40]"
#define TC_GEMM_AT_SIXTEENS "[sp, #44]"
#define TC_GEMM_AT_ZERO_POINT "[sp, #48]"
#define TC_GEMM_AT_OUT_STEP "[sp, #52]"
#define TC_GEMM_AT_BLOCK "[sp, #56]" /* bytes of its weights */
#define TC_GEMM_AT_NEXT "[sp, #60]"  /* bytes from the end of a pixel to the pixel after the next */
#define TC_GEMM_AT_GEMM "[sp, #64]"

/* The assembly relies on these member offsets of tc_gemm_mve_t. */
typedef char tc_assert_gemm_offsets[offsetof(tc_gemm_mve_t, channels) == 40 && sizeof(tc_gemm_mve_t) == 48 ? 1 : -1];

/* For each block of channels all pixels, at least two. Sums take all even registers, so other values are read from
 * memory. q5 to q7 hold a block's biases, multipliers and shifts. */
/* clang-format off */
#define TC_GEMM_CHANNELS(multiply, away0, away1, four, sixteen) \
        "ldr r9, " TC_GEMM_AT_REST "\n\tvctp.8 r9\n\tldr r5, " TC_GEMM_AT_WEIGHTS "\n"                                                       \
        "1:\n\t"                                                                                                     \
        "ldrd r0, r2, " TC_GEMM_AT_BIAS "\n\tldr r4, " TC_GEMM_AT_SHIFT "\n\tvldrw.32 q5, [r0], #16\n\tvldrw.32 q6, [r2]" sixteen "\n\t"     \
        "vldrb.s32 q7, [r4]" four "\n\tstrd r0, r2, " TC_GEMM_AT_BIAS "\n\tstr r4, " TC_GEMM_AT_SHIFT "\n\t"                                 \
        "ldr r7, " TC_GEMM_AT_OUT "\n\tadd r0, r7, #4\n\tstr r0, " TC_GEMM_AT_OUT "\n\tldrd r1, r3, " TC_GEMM_AT_PIXEL "\n"                              \
        "2:\n\t"                                                                                                     \
        "vpstt\n\tvldrbt.8 q0, [r1]\n\tvldrbt.8 q1, [r3]\n\tadd r1, r1, r9\n\tadd r3, r3, r9\n\t"                    \
        TC_GEMM_FIRST_OF_TWO("r0", "r8") TC_GEMM_FIRST_OF_TWO("r2", "r10")                                           \
        TC_GEMM_FIRST_OF_TWO("r4", "r12") TC_GEMM_FIRST_OF_TWO("r6", "r14")                                          \
        "ldr r11, " TC_GEMM_AT_SIXTEENS "\n\tcmp r11, #0\n\tbeq 4f\n"                                                            \
        "3:\n\t"                                                                                                     \
        "vldrb.8 q0, [r1], #16\n\tvldrb.8 q1, [r3], #16\n\t"                                                         \
        TC_GEMM_NEXT_OF_TWO("r0", "r8") TC_GEMM_NEXT_OF_TWO("r2", "r10")                                             \
        TC_GEMM_NEXT_OF_TWO("r4", "r12") TC_GEMM_NEXT_OF_TWO("r6", "r14")                                            \
        "subs r11, r11, #1\n\tbne 3b\n"                                                                              \
        "4:\n\t"                                                                                                     \
        "vmov q0[2], q0[0], r0, r4\n\tvmov q0[3], q0[1], r2, r6\n\t"                                                 \
        "vmov q1[2], q1[0], r8, r12\n\tvmov q1[3], q1[1], r10, r14\n\t"                                              \
        TC_GEMM_SCALE("q0", multiply, away0) TC_GEMM_SCALE("q1", multiply, away1)                                    \
        "ldrd r0, r2, " TC_GEMM_AT_ZERO_POINT "\n\tvqmovnb.s32 q0, q0\n\tvqmovnt.s32 q0, q1\n\tvqadd.s16 q0, q0, r0\n\t"         \
        "ldrd r0, r4, " TC_GEMM_AT_BLOCK "\n\tvqmovnb.s16 q0, q0\n\tsub r5, r5, r0\n\tadd r1, r1, r4\n\tvstrb.32 q0, [r7]\n\t"   \
        "add r7, r7, r2\n\tvshr.u32 q0, q0, #16\n\tadd r3, r3, r4\n\tldr r0, " TC_GEMM_AT_PAIRS_END "\n\tvstrb.32 q0, [r7]\n\t"  \
        "add r7, r7, r2\n\tcmp r1, r0\n\tbne 2b\n\t"                                                                  \
        "ldr r0, " TC_GEMM_AT_ODD "\n\tcmp r0, #0\n\tbeq 8f\n\t"                                                                 \
        "vpst\n\tvldrbt.8 q0, [r1]\n\tadd r1, r1, r9\n\t"                                                            \
        TC_GEMM_FIRST("r0") TC_GEMM_FIRST("r2") TC_GEMM_FIRST("r4") TC_GEMM_FIRST("r6")                              \
        "ldr lr, " TC_GEMM_AT_SIXTEENS "\n\twls lr, lr, 7f\n"                                                                    \
        "6:\n\t"                                                                                                     \
        "vldrb.8 q0, [r1], #16\n\t"                                                                                  \
        TC_GEMM_NEXT("r0") TC_GEMM_NEXT("r2") TC_GEMM_NEXT("r4") TC_GEMM_NEXT("r6")                                  \
        "le lr, 6b\n"                                                                                                \
        "7:\n\t"                                                                                                     \
        "vmov q0[2], q0[0], r0, r4\n\tvmov q0[3], q0[1], r2, r6\n\t" TC_GEMM_SCALE("q0", multiply, away0)            \
        "ldr r0, " TC_GEMM_AT_ZERO_POINT "\n\tvadd.i32 q0, q0, r0\n\tvqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\t"               \
        "vstrb.32 q0, [r7]\n\tb 9f\n"                                                                                \
        "8:\n\t"                                                                                                     \
        "ldr r0, " TC_GEMM_AT_BLOCK "\n\tadd r5, r5, r0\n"                                                                       \
        "9:\n\t"                                                                                                     \
        "ldrd r0, r2, " TC_GEMM_AT_OUT "\n\tcmp r0, r2\n\tbne 1b\n\tstr r5, " TC_GEMM_AT_WEIGHTS "\n\t"

/* The same for a single pixel, with registers for all variables. */
#define TC_GEMM_PIXEL(multiply, away, four, sixteen) \
        "ldr r9, " TC_GEMM_AT_REST "\n\tvctp.8 r9\n\tldrd r8, r10, " TC_GEMM_AT_BIAS "\n\tldr r3, " TC_GEMM_AT_SHIFT "\n\tldrd r5, r7, " TC_GEMM_AT_WEIGHTS "\n\t"   \
        "ldr r11, " TC_GEMM_AT_ZERO_POINT "\n\tldr r12, " TC_GEMM_AT_OUT_END "\n"                                                             \
        "1:\n\t"                                                                                                     \
        "ldr r1, " TC_GEMM_AT_PIXEL "\n\tvpst\n\tvldrbt.8 q0, [r1]\n\tadd r1, r1, r9\n\tldr lr, " TC_GEMM_AT_SIXTEENS "\n\t"                 \
        TC_GEMM_FIRST("r0") TC_GEMM_FIRST("r2") TC_GEMM_FIRST("r4") TC_GEMM_FIRST("r6")                              \
        "wls lr, lr, 3f\n"                                                                                           \
        "2:\n\t"                                                                                                     \
        "vldrb.8 q0, [r1], #16\n\t"                                                                                  \
        TC_GEMM_NEXT("r0") TC_GEMM_NEXT("r2") TC_GEMM_NEXT("r4") TC_GEMM_NEXT("r6")                                  \
        "le lr, 2b\n"                                                                                                \
        "3:\n\t"                                                                                                     \
        "vldrw.32 q5, [r8], #16\n\tvldrw.32 q6, [r10]" sixteen "\n\tvldrb.s32 q7, [r3]" four "\n\t"                  \
        "vmov q0[2], q0[0], r0, r4\n\tvmov q0[3], q0[1], r2, r6\n\t" TC_GEMM_SCALE("q0", multiply, away)             \
        "vadd.i32 q0, q0, r11\n\tvqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\tvstrb.32 q0, [r7], #4\n\t"              \
        "cmp r7, r12\n\tbne 1b\n\t"                                                                                   \
        "strd r8, r10, " TC_GEMM_AT_BIAS "\n\tstr r3, " TC_GEMM_AT_SHIFT "\n\tstrd r5, r7, " TC_GEMM_AT_WEIGHTS "\n\t"

/* Loads the members of `gemm`, at r0, that the assembly needs. */
#define TC_GEMM_BEGIN                                                                                                \
        "ldm r0, {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12}\n\tsub sp, sp, #68\n\tstr r0, " TC_GEMM_AT_GEMM "\n\t" \
        "strd r6, r7, " TC_GEMM_AT_BIAS "\n\tstrd r8, r5, " TC_GEMM_AT_SHIFT "\n\t"                                  \
        "bic lr, r11, #3\n\tadd lr, lr, r9\n\tstrd r9, lr, " TC_GEMM_AT_OUT "\n\t"                                   \
        "add lr, r1, r2\n\tstrd r1, lr, " TC_GEMM_AT_PIXEL "\n\t"                                                    \
        "bic lr, r4, #1\n\tmla lr, lr, r2, r1\n\tand r4, r4, #1\n\tstrd lr, r4, " TC_GEMM_AT_PAIRS_END "\n\t"        \
        "sub r6, r3, #1\n\tlsr r7, r6, #4\n\tand r6, r6, #15\n\tadd r6, r6, #1\n\tstrd r6, r7, " TC_GEMM_AT_REST "\n\t" \
        "strd r12, r10, " TC_GEMM_AT_ZERO_POINT "\n\tlsl r6, r3, #2\n\trsb r7, r3, r2, lsl #1\n\t"                   \
        "strd r6, r7, " TC_GEMM_AT_BLOCK "\n"
/* Branches to label 11 if all channels are done; else the last block follows, overlapping the one before it by r2
 * channels. */
#define TC_GEMM_OVERLAP(factors)                                                                                     \
        "ldr r0, " TC_GEMM_AT_GEMM "\n\tldr r1, [r0, #32]\n\tldr r2, [r0, #40]\n\tldr r3, " TC_GEMM_AT_OUT "\n\t"    \
        "add r1, r1, r2\n\tcmp r1, r3\n\tbeq 11f\n\trsb r2, r2, #0\n\tand r2, r2, #3\n\t"                             \
        "sub r3, r3, r2\n\tadd r4, r3, #4\n\tstrd r3, r4, " TC_GEMM_AT_OUT "\n\t"                                    \
        "ldr r4, " TC_GEMM_AT_BIAS "\n\tsub r4, r4, r2, lsl #2\n\tstr r4, " TC_GEMM_AT_BIAS "\n\t" factors
#define TC_GEMM_OVERLAP_FACTORS                                                                                      \
        "ldrd r4, r5, " TC_GEMM_AT_MULTIPLIER "\n\tsub r4, r4, r2, lsl #2\n\tsub r5, r5, r2\n\t"                     \
        "strd r4, r5, " TC_GEMM_AT_MULTIPLIER "\n\t"

/* Defines `name`, of type tc_gemm_mve_function_t. `four` and `sixteen` are the steps of shifts and multipliers per
 * block; `factors` moves both back. */
#define TC_GEMM_FUNCTION(name, multiply, away0, away1, factors, four, sixteen)                                       \
    TC_ASM_LONG_STRINGS                                                                                              \
    static __attribute__((noinline)) void name(const tc_gemm_mve_t *gemm)                                            \
    {                                                                                                                \
        register const tc_gemm_mve_t *r0 __asm__("r0") = gemm;                                                       \
        __asm__ volatile(                                                                                            \
            TC_ASM_STACK(#name, "104") TC_THUMB_SAVE TC_GEMM_BEGIN                                                   \
            "10:\n\t"                                                                                                \
            "ldr r0, " TC_GEMM_AT_GEMM "\n\tldr r0, [r0, #12]\n\tcmp r0, #1\n\tbeq 12f\n\t"                          \
            TC_GEMM_CHANNELS(multiply, away0, away1, four, sixteen) "b 13f\n"                                        \
            "12:\n\t" TC_GEMM_PIXEL(multiply, away0, four, sixteen)                                                  \
            "13:\n\t" TC_GEMM_OVERLAP(factors) "b 10b\n"                                                             \
            "11:\n\tadd sp, sp, #68\n\t" TC_THUMB_RESTORE                                                            \
            : "+r"(r0)                                                                                               \
            :                                                                                                        \
            : "r1", "r2", "r3", "r12", "q0", "q1", "q2", "q5", "q6", "q7", TC_MVE_P0 "cc", "memory");                \
    }                                                                                                                \
    TC_ASM_LONG_STRINGS_END
/* clang-format on */
#define TC_GEMM_RECTIFIED(name) TC_GEMM_FUNCTION(name, "vqrdmulh.s32", "", "", TC_GEMM_OVERLAP_FACTORS, ", #4", ", #16")
#define TC_GEMM_SIGNED(name)                                                                                        \
    TC_GEMM_FUNCTION(name, "vqrdmulh.s32", TC_GEMM_AWAY("q0"), TC_GEMM_AWAY("q1"), TC_GEMM_OVERLAP_FACTORS, ", #4", \
                     ", #16")
#define TC_GEMM_ONCE(name) TC_GEMM_FUNCTION(name, "vmulh.s32", "", "", TC_GEMM_OVERLAP_FACTORS, ", #4", ", #16")
#define TC_GEMM_ONE_FACTOR(name) TC_GEMM_FUNCTION(name, "vmulh.s32", "", "", "", "", "")

#else

/* Requantizes a sum, without adding the zero point. */
typedef int32_t (*tc_gemm_mve_scale_t)(int32_t sum, int32_t multiplier, int shift);

/* The product's high word, then rounded half up. */
static inline int32_t tc_gemm_mve_once(int32_t sum, int32_t multiplier, int shift)
{
    const int32_t high = (int32_t)(((int64_t)sum * multiplier) >> 32);
    return ((high >> (-shift - 1)) + 1) >> 1;
}

/* A channel's weights in a block; place: position of the channel, 0 to 3. */
static inline int32_t tc_gemm_mve_sum(const int8_t *pixel, const int8_t *weights, size_t length, size_t place)
{
    const size_t rest = tc_gemm_mve_rest(length);
    int32_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        const size_t after = i - rest;
        sum += pixel[i] * weights[i < rest ? place * rest + i : 4 * rest + after / 16 * 64 + place * 16 + after % 16];
    }
    return sum;
}

static inline void tc_gemm_mve_portable(const tc_gemm_mve_t *gemm, tc_gemm_mve_scale_t scale, size_t factor_step)
{
    for (size_t c = 0; c < gemm->channels; c++) {
        const size_t block = c / TC_GEMM_BLOCK, factor = c * factor_step;
        const size_t left = gemm->channels - block * TC_GEMM_BLOCK;
        const size_t place = c % TC_GEMM_BLOCK + (left < TC_GEMM_BLOCK ? TC_GEMM_BLOCK - left : 0);
        const int8_t *const weights = gemm->weights + block * TC_GEMM_BLOCK * gemm->length;
        for (size_t i = 0; i < gemm->count; i++) {
            const int32_t sum = tc_gemm_mve_sum(gemm->pixels + i * gemm->pixel_step, weights, gemm->length, place);
            const int32_t scaled = scale(gemm->bias[c] + sum, gemm->multiplier[factor], gemm->shift[factor]);
            gemm->out[i * gemm->out_step + c] = tc_clamp(scaled + gemm->zero_point, -128, 127);
        }
    }
}

#define TC_GEMM_FUNCTION(name, scale, factor_step)      \
    static void name(const tc_gemm_mve_t *gemm)         \
    {                                                   \
        tc_gemm_mve_portable(gemm, scale, factor_step); \
    }
#define TC_GEMM_RECTIFIED(name) TC_GEMM_FUNCTION(name, tc_requantize, 1)
#define TC_GEMM_SIGNED(name) TC_GEMM_FUNCTION(name, tc_requantize, 1)
#define TC_GEMM_ONCE(name) TC_GEMM_FUNCTION(name, tc_gemm_mve_once, 1)
#define TC_GEMM_ONE_FACTOR(name) TC_GEMM_FUNCTION(name, tc_gemm_mve_once, 0)

#endif

#endif
