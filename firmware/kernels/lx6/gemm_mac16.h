/* Products of a tile of pixels with output channels, for convolutions with MAC16: one instruction per product.
 *
 * A pixel is its window as int16 numbers x + 128, in groups of four: (x0, x2), (x1, x3). The weights of a channel have
 * the same layout. The excess of 128 times the weights, and the bias, are part of the channel's line (line.h). */
#ifndef TINYCOMP_GEMM_MAC16_H
#define TINYCOMP_GEMM_MAC16_H

#include "line.h"

/* The assembly relies on these member offsets. */
typedef struct {
    const uint32_t *weights; /* 0: of the channel, less one word, like the pixels */
    const uint32_t *end;     /* 4: the last pixel's last word */
    const uint32_t *pixels;  /* 8: of the tile, one after the other */
    const int32_t *factors;  /* 12: of the channel */
    int8_t *out;             /* 16: of the first pixel and the channel */
    size_t step;             /* 20: bytes from one output pixel to the next */
    size_t turns;            /* 24: groups of four per window, less one */
    size_t window;           /* 28: bytes per pixel and per channel of weights */
    unsigned channels;       /* 32: at least one */
    uint32_t above, below;   /* 36, 40: offsets of a two-sided channel */
    int32_t zero;            /* 44 */
} tc_gemm_mac16_t;

#if TC_MAC16

typedef char tc_assert_gemm_mac16_offsets[offsetof(tc_gemm_mac16_t, zero) == 44 ? 1 : -1];

/* All channels of a tile; leaves `gemm` undefined. */
/* clang-format off */
/* A channel at label 0, a pixel at label 1. Loads are two words ahead of products, and stop at the end of the
 * window. */
#define TC_GEMM_MAC16(load, offset)                                                                             \
    const uint32_t *x, *w;                                                                                      \
    int32_t low, high, fine, coarse, b, sum, other;                                                             \
    int8_t *out;                                                                                                \
    size_t step = gemm->step, turns = gemm->turns;                                                              \
    __asm__ volatile(                                                                                           \
        TC_MAC16_REGISTERS TC_LINE_SAR                                                                          \
        "0:\n\t"                                                                                                \
        "l32i %[sum], %[gemm], 12\n\tl32i %[low], %[sum], 0\n\tl32i %[high], %[sum], 4\n\t"                     \
        "l32i %[fine], %[sum], 8\n\tl32i %[b], %[sum], 12\n\t"                                                  \
        load                                                                                                    \
        "s32i %[sum], %[gemm], 12\n\t" TC_LINE_PARTS("%[fine]", "%[coarse]")                                    \
        "l32i %[x], %[gemm], 8\n\tl32i %[out], %[gemm], 16\n\taddi %[sum], %[out], 1\n\t"                       \
        "s32i %[sum], %[gemm], 16\n\t"                                                                          \
        "j 1f\n\t.balign 4\n"                                                                                           \
        "1:\n\t"                                                                                                \
        "_l32i %[w], %[gemm], 0\n\t"                                                                            \
        TC_LDINC("0", "%[x]") TC_LDINC("2", "%[w]") TC_LDINC("1", "%[x]") TC_MUL_DD(TC_LL, "0", "2")            \
        TC_MULA_DD_LDINC(TC_HH, "3", "%[w]", "0", "2")                                                          \
        TC_LOOPNEZ("%[turns]", "2f")                                                                            \
        TC_MULA_DD_LDINC(TC_LL, "0", "%[x]", "1", "3") TC_MULA_DD_LDINC(TC_HH, "2", "%[w]", "1", "3")           \
        TC_MULA_DD_LDINC(TC_LL, "1", "%[x]", "0", "2") TC_MULA_DD_LDINC(TC_HH, "3", "%[w]", "0", "2")           \
        "2:\n\t"                                                                                                \
        TC_MULA_DD(TC_LL, "1", "3") TC_MULA_DD(TC_HH, "1", "3")                                                 \
        TC_RSR_ACCLO("%[sum]") TC_LINE_BOUNDS("%[sum]", "%[low]", "%[high]") offset                             \
        TC_LINE_PRODUCT("%[sum]", "%[other]", "%[fine]", "%[coarse]") TC_LINE_END("%[sum]", "%[b]")             \
        "s8i %[sum], %[out], 0\n\tadd %[out], %[out], %[step]\n\t"                                              \
        "l32i %[sum], %[gemm], 4\n\tbne %[x], %[sum], 1b\n\t"                                                   \
        "l32i %[w], %[gemm], 0\n\tl32i %[sum], %[gemm], 28\n\tadd %[w], %[w], %[sum]\n\t"                       \
        "s32i %[w], %[gemm], 0\n\tl32i %[sum], %[gemm], 32\n\taddi %[sum], %[sum], -1\n\t"                      \
        "s32i %[sum], %[gemm], 32\n\tbnez %[sum], 0b\n\t"                                                       \
        : [x] "=&r"(x), [w] "=&r"(w), [low] "=&r"(low), [high] "=&r"(high), [fine] "=&r"(fine),                 \
          [coarse] "=&r"(coarse), [b] "=&r"(b), [sum] "=&r"(sum), [other] "=&r"(other), [out] "=&r"(out)        \
        : [gemm] "r"(gemm), [step] "r"(step), [turns] "r"(turns)                                                \
        : "memory")

#define TC_GEMM_MAC16_ONE_SIDED "addi %[sum], %[sum], 16\n\t"
#define TC_GEMM_MAC16_TWO_SIDED                                                                                 \
    "l32i %[other], %[sum], 16\n\ts32i %[other], %[gemm], 40\n\tl32i %[other], %[sum], 20\n\t"                  \
    "s32i %[other], %[gemm], 44\n\ts32i %[b], %[gemm], 36\n\taddi %[sum], %[sum], 24\n\t"
#define TC_GEMM_MAC16_OFFSET                                                                                    \
    "l32i %[b], %[gemm], 36\n\tl32i %[other], %[gemm], 44\n\tbge %[sum], %[other], 3f\n\t"                      \
    "l32i %[b], %[gemm], 40\n3:\n\t"

static __attribute__((noinline, unused)) TC_HOT void tc_gemm_mac16(tc_gemm_mac16_t *gemm)
{
    TC_GEMM_MAC16(TC_GEMM_MAC16_ONE_SIDED, "");
}

static __attribute__((noinline, unused)) TC_HOT void tc_gemm_mac16_two_sided(tc_gemm_mac16_t *gemm)
{
    TC_GEMM_MAC16(TC_GEMM_MAC16_TWO_SIDED, TC_GEMM_MAC16_OFFSET);
}
/* clang-format on */

#else

static inline int32_t tc_gemm_mac16_sum(const uint32_t *x, const uint32_t *w, size_t words)
{
    int32_t sum = 0;
    for (size_t i = 0; i < words; i++) {
        sum += tc_mac16_low(x[i]) * tc_mac16_low(w[i]) + tc_mac16_high(x[i]) * tc_mac16_high(w[i]);
    }
    return sum;
}

static inline void tc_gemm_mac16_c(tc_gemm_mac16_t *gemm, int two_sided)
{
    const size_t words = gemm->window / sizeof *gemm->weights;
    for (unsigned c = 0; c < gemm->channels; c++) {
        const tc_line_t line = tc_line(tc_line_factors(gemm->factors, c, two_sided), two_sided);
        const uint32_t *const weights = gemm->weights + 1 + words * c;
        int8_t *out = gemm->out + c;
        for (const uint32_t *x = gemm->pixels; x != gemm->end; x += words, out += gemm->step) {
            *out = tc_line_output(&line, tc_gemm_mac16_sum(x + 1, weights, words));
        }
    }
}

static __attribute__((noinline, unused)) TC_HOT void tc_gemm_mac16(tc_gemm_mac16_t *gemm)
{
    tc_gemm_mac16_c(gemm, 0);
}

static __attribute__((noinline, unused)) TC_HOT void tc_gemm_mac16_two_sided(tc_gemm_mac16_t *gemm)
{
    tc_gemm_mac16_c(gemm, 1);
}

#endif

#endif
