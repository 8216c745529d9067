/* CONV_2D on Armv7E-M for windows three columns wide, with weights stored as words: see conv_kx3.h. 74 instructions for
 * 96 products.
 *
 * Columns are expanded into words A and B (gemm.h). The weights of a group in a window row are a word R per column. */
#ifndef TINYCOMP_CONV_2D_KX3_DSP_H
#define TINYCOMP_CONV_2D_KX3_DSP_H

#include "conv_kx3.h"

typedef tc_kx3_t tc_conv_2d_kx3_dsp_t;

#if TC_DSP

/* clang-format off */
#define TC_KX3_GROUP(base)                                                                  \
    "ldr r8, [lr], #4\n\tldr r9, [lr], #4\n\tldr r10, [lr], #4\n\t" TC_KX3_COLUMNS_AT(base) \
    "sxtb16 r8, r8\n\tsxtb16 r9, r9\n\tsxtb16 r10, r10\n\t" TC_KX3_COLUMNS_AT(base " + 4")

TC_KX3_FUNCTION(tc_kx3_tile, TC_KX3_GROUP)
/* clang-format on */

#else

static void tc_kx3_tile(const tc_gemm_t *gemm, const uint32_t *columns, int8_t *to, size_t step)
{
    const int8_t *weights = gemm->weights;
    for (unsigned c = 0; c < gemm->channels; c++, weights += 12 * gemm->groups) {
        for (unsigned p = 0; p < TC_KX3_PIXELS; p++) {
            uint32_t sum = (uint32_t)gemm->factors[2 * c];
            for (size_t g = 0; g < gemm->groups; g++) {
                for (unsigned kx = 0; kx < 3; kx++) {
                    const uint32_t w = tc_load_word(weights + 12 * g + 4 * kx);
                    const uint32_t *const x = columns + g * TC_KX3_WORDS + 2 * (p + kx);
                    sum = tc_smlad(tc_sxtb16(w), x[1], tc_smlad(w, x[0], sum));
                }
            }
            to[p * step + c] = tc_gemm_requantize(gemm, gemm->factors + 2 * c, sum);
        }
    }
}

#endif

static __attribute__((noinline)) void tc_kx3_columns(const tc_kx3_t *op, const tc_input_t *in, int32_t top,
                                                     int32_t left, uint32_t *to)
{
    tc_kx3_expand(op, in, top, left, to, tc_gemm_word_a, tc_gemm_word_b);
}

/* Output rows [first, last). Scratch: see conv_kx3.h. */
static void tc_conv_2d_kx3_dsp(const tc_conv_2d_kx3_dsp_t *op, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch)
{
    static TC_CONST tc_kx3_shape_t shape = {tc_kx3_columns, tc_kx3_tile};
    tc_kx3(op, in, out, first, last, scratch, &shape, NULL);
}

#endif
