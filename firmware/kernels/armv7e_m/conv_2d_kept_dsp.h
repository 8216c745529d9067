/* CONV_2D on Armv7E-M with weights that are zero in blocks, four pixels at a time: see convolution.h. */
#ifndef TINYCOMP_CONV_2D_KEPT_DSP_H
#define TINYCOMP_CONV_2D_KEPT_DSP_H

#include "convolution.h"
#include "gemm_4x1_kept.h"

typedef tc_convolution_t tc_conv_2d_kept_dsp_t;

/* Output rows [first, last). Scratch: see convolution.h. */
static __attribute__((noinline)) void tc_conv_2d_kept_dsp(const tc_conv_2d_kept_dsp_t *op, const tc_input_t *in,
                                                          const tc_output_t *out, uint16_t first, uint16_t last,
                                                          int8_t *scratch)
{
    static TC_CONST tc_convolution_shape_t shape = {
        TC_GEMM_4X1_KEPT_PIXELS, 0, TC_WORDS, tc_convolution_windows, tc_gemm_4x1_kept, NULL,
    };
    const tc_kept_words_t *const codec = (const tc_kept_words_t *)op->weights;
    const unsigned channels = (op->output_channels + 1u) & ~1u;
    int8_t *outs[TC_GEMM_4X1_KEPT_PIXELS];
    tc_gemm_kept_t layer = {
        {codec->length, op->rounding, 0, channels, NULL, codec->words, NULL}, op->output_channels, codec->kept};
    tc_convolution_row_t row;
    int8_t *const buffer = tc_convolution_prepare(op, in, &shape, &scratch[tc_factors_room(op->packed, channels)],
                                                  &row);
    layer.gemm.factors = tc_convolution_factors(op, 0, channels, scratch);
    tc_convolution_rows(&row, in, out, first, last, &shape, &layer.gemm, buffer, outs);
    tc_convolution_clamped(op, out, first, last);
}

#endif
