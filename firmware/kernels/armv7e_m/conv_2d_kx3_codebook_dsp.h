/* CONV_2D on Armv7E-M for windows three columns wide, with weights that are looked up in pairs: see conv_kx3.h. 82
 * instructions for 96 products.
 *
 * Columns are expanded into words (x0, x2) and (x1, x3). The indices of a group in a window row are a byte for w0 and
 * w2 of each column, then a byte for w1 and w3 of each column. */
#ifndef TINYCOMP_CONV_2D_KX3_CODEBOOK_DSP_H
#define TINYCOMP_CONV_2D_KX3_CODEBOOK_DSP_H

#include "conv_kx3.h"
#include "pair_table.h"

typedef tc_kx3_t tc_conv_2d_kx3_codebook_dsp_t;

#if TC_DSP

/* clang-format off */
#define TC_KX3_LOOK_UP                                                                   \
    "ldr r11, " TC_KX3_TABLE "\n\tldrb r8, [lr], #1\n\tldrb r9, [lr], #1\n\tldrb r10, [lr], #1\n\t" \
    "ldr r8, [r11, r8, lsl #2]\n\tldr r9, [r11, r9, lsl #2]\n\tldr r10, [r11, r10, lsl #2]\n\t"
#define TC_KX3_CODEBOOK_GROUP(base) \
    TC_KX3_LOOK_UP TC_KX3_COLUMNS_AT(base) TC_KX3_LOOK_UP TC_KX3_COLUMNS_AT(base " + 4")

TC_KX3_FUNCTION(tc_kx3_codebook_tile, TC_KX3_CODEBOOK_GROUP)
/* clang-format on */

#else

static void tc_kx3_codebook_tile(const tc_gemm_t *gemm, const uint32_t *columns, int8_t *to, size_t step)
{
    const uint32_t *const pairs = gemm->pairs;
    const uint8_t *index = (const uint8_t *)gemm->weights;
    for (unsigned c = 0; c < gemm->channels; c++, index += 6 * gemm->groups) {
        for (unsigned p = 0; p < TC_KX3_PIXELS; p++) {
            uint32_t sum = (uint32_t)gemm->factors[2 * c];
            for (size_t g = 0; g < gemm->groups; g++) {
                for (unsigned kx = 0; kx < 3; kx++) {
                    const uint32_t *const x = columns + g * TC_KX3_WORDS + 2 * (p + kx);
                    sum = tc_smlad(pairs[index[6 * g + kx]], x[0], sum);
                    sum = tc_smlad(pairs[index[6 * g + 3 + kx]], x[1], sum);
                }
            }
            to[p * step + c] = tc_gemm_requantize(gemm, gemm->factors + 2 * c, sum);
        }
    }
}

#endif

static __attribute__((noinline)) void tc_kx3_halves(const tc_kx3_t *op, const tc_input_t *in, int32_t top, int32_t left,
                                                    uint32_t *to)
{
    tc_kx3_expand(op, in, top, left, to, tc_sxtb16, tc_sxtb16_odd);
}

/* Output rows [first, last). Scratch: see conv_kx3.h, plus 1024 bytes for the table of pairs. */
static void tc_conv_2d_kx3_codebook_dsp(const tc_conv_2d_kx3_codebook_dsp_t *op, const tc_input_t *in,
                                        const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch,
                                        int8_t *table)
{
    static TC_CONST tc_kx3_shape_t shape = {tc_kx3_halves, tc_kx3_codebook_tile};
    uint32_t *const pairs = (uint32_t *)(void *)table;
    const tc_gemm_table_t looked_up = {tc_pair_table_indices(op->weights), pairs};
    tc_pair_table_fill(op->weights, pairs);
    tc_kx3(op, in, out, first, last, scratch, &shape, &looked_up);
}

#endif
