/* Products of a few pixels with pairs of output channels, for convolutions on Armv7E-M.
 *
 * Four weights w0..w3 of a channel are a word R whose halves are 256 w1 + w0 and 256 w3 + w2. Four activations x0..x3
 * are expanded into two words: A = (x1, x3) and B = (256 x0 + 127 - x1, 256 x2 + 127 - x3), each half an int16. Then
 *     R * A + sxtb16(R) * B = 256 (w0 x0 + w1 x1 + w2 x2 + w3 x3) + 127 (w0 + w2)
 * so four products take two SMLAD and a share of an SXTB16, and weights are used as they are in flash. The generator
 * has checked that no true sum exceeds 24 bits.
 *
 * Weights are stored by pairs of channels, and in a pair by groups of four: a word of the first channel, one of the
 * second. Expanded pixels are stored group by group: A of each pixel, then B of each pixel.
 *
 * Sums start at 256 * bias - 127 * (w0 + w2 of all groups), plus the rounding term of rounding.h. */
#ifndef TINYCOMP_GEMM_H
#define TINYCOMP_GEMM_H

#include "dsp.h"
#include "factors.h"
#include "rounding.h"
#include "tinycomp.h"

/* 1: all layers round once. */
#ifndef TC_GEMM_ONCE
#define TC_GEMM_ONCE 0
#endif

/* A layer, or some of its channels. */
typedef struct {
    size_t groups;          /* of four weights each */
    int32_t rounding;       /* see rounding.h */
    unsigned first;         /* first channel, within an output pixel */
    unsigned channels;      /* an even number */
    const int32_t *factors; /* per channel: initial value of the sums, multiplier */
    const int8_t *weights;
    const uint32_t *pairs; /* table for weights that are indices */
} tc_gemm_t;

/* Weights that are looked up in pairs (pair_table.h). */
typedef struct {
    const int8_t *indices;
    const uint32_t *pairs;
} tc_gemm_table_t;

/* Computes all channels of some expanded pixels; outs[i] is channel 0 of pixel i. */
typedef void (*tc_gemm_function_t)(const tc_gemm_t *gemm, const uint32_t *pixels, int8_t *const *outs);

/* A and B of four activations. */
static inline uint32_t tc_gemm_word_a(uint32_t x)
{
    return tc_sxtb16_odd(x);
}

static inline uint32_t tc_gemm_word_b(uint32_t x)
{
    return tc_rev16(x ^ 0x7F007F00u);
}

/* Makes one of the two words of four activations. */
typedef uint32_t tc_gemm_word_t(uint32_t four);

/* Expands a group of one of `pixels` pixels. Returns the address of the next group. */
static inline uint32_t *tc_gemm_expand_word(uint32_t four, uint32_t *to, size_t pixels, tc_gemm_word_t *first,
                                            tc_gemm_word_t *second)
{
    to[0] = first(four);
    to[pixels] = second(four);
    return to + 2 * pixels;
}

/* Converts weights to words: in 256 * w1 + w0 a negative w0 borrows from w1. */
static inline void tc_gemm_to_words(int8_t *bytes, size_t count)
{
    for (const int8_t *const end = bytes + count; bytes != end; bytes += 2) {
        bytes[1] = (int8_t)(bytes[1] - (bytes[0] < 0));
    }
}

/* Reads `count` weights from index `first` on, as words. */
static inline const int8_t *tc_gemm_weights(const tc_weights_t *weights, size_t first, size_t count, int bytes,
                                            int8_t *buffer)
{
    int8_t *const words = (int8_t *)(uintptr_t)tc_weights_read(weights, first, count, buffer);
    if (bytes) {
        tc_gemm_to_words(words, count);
    }
    return words;
}

#if TC_DSP

/* The assembly relies on these member offsets of tc_gemm_t. */
typedef char tc_assert_gemm_offsets[offsetof(tc_gemm_t, pairs) == 24 && sizeof(tc_gemm_t) == 28 ? 1 : -1];

/* Loads all members: r6 groups, r7 rounding, r8 first, r9 the channel after the last, r10 factors, r11 weights, r12
 * pairs. */
#define TC_GEMM_LOAD "ldm r0, {r6, r7, r8, r9, r10, r11, r12}\n\tadd r9, r9, r8\n\t"
/* The inner loop at label 2 is unrolled for a few groups and entered in the middle if there are fewer. Turns the
 * address `at` bytes after its start in r6 into a Thumb address. */
#define TC_GEMM_ENTRY "adr r0, 2f\n\tadd r6, r6, r0\n\torr r6, r6, #1\n\t"

/* Code for loops that are unrolled for so many groups; or for those that are not, where code has to be small. */
#if TC_SMALL
#define TC_GEMM_UNROLLED(code, short_code) short_code
#define TC_GEMM_UNROLL(groups) "1"
#else
#define TC_GEMM_UNROLLED(code, short_code) code
#define TC_GEMM_UNROLL(groups) #groups
#endif

/* Code for layers that round twice. */
#if TC_GEMM_ONCE
#define TC_GEMM_TWICE(code) ""
#else
#define TC_GEMM_TWICE(code) code
#endif
/* r12 is the multiplier, r11 the layer's rounding; when rounding twice, r10 is the initial value of the channel's
 * sums. */
#define TC_GEMM_TO_TWICE(label) TC_GEMM_TWICE(TC_TO_TWICE("r11", label))
#define TC_GEMM_ROUND_ONCE(sum) TC_ROUND_ONCE(sum, "r12", "r11")
#define TC_GEMM_FACTOR TC_TWICE_FACTOR("r10", "r11")
#define TC_GEMM_ROUND_TWICE(sum, temporary) TC_ROUND_TWICE(sum, temporary, "r12", "r11", "r10")

#endif

/* The same in C. */
static inline int8_t tc_gemm_requantize(const tc_gemm_t *gemm, const int32_t *factor, uint32_t sum)
{
    return ((TC_GEMM_ONCE != 0) || (gemm->rounding == TC_ONCE)) ? tc_round_once(factor, sum)
                                                                : tc_round_twice(factor, gemm->rounding, sum);
}

#if !TC_DSP

/* All channels of one of `pixels` pixels, in portable C. */
static inline void tc_gemm_pixel(const tc_gemm_t *gemm, const uint32_t *pixel, size_t pixels, int8_t *out)
{
    for (unsigned c = 0; c < gemm->channels; c++) {
        const int8_t *const weights = gemm->weights + 8 * gemm->groups * (c / 2) + 4 * (c % 2);
        uint32_t sum = (uint32_t)gemm->factors[2 * c];
        for (size_t g = 0; g < gemm->groups; g++) {
            const uint32_t w = tc_load_word(weights + 8 * g), *const x = pixel + 2 * pixels * g;
            sum = tc_smlad(tc_sxtb16(w), x[pixels], tc_smlad(w, x[0], sum));
        }
        out[gemm->first + c] = tc_gemm_requantize(gemm, gemm->factors + 2 * c, sum);
    }
}

#endif

#endif
