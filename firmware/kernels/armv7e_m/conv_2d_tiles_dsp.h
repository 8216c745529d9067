/* CONV_2D on Armv7E-M, four pixels at a time, sixteen per decoded block of weights: see convolution.h. */
#ifndef TINYCOMP_CONV_2D_TILES_DSP_H
#define TINYCOMP_CONV_2D_TILES_DSP_H

#include "convolution.h"
#include "gemm_4x2.h"

typedef tc_convolution_t tc_conv_2d_tiles_dsp_t;

/* Output rows [first, last). Scratch: see convolution.h. */
static void tc_conv_2d_tiles_dsp(const tc_conv_2d_tiles_dsp_t *constants, const tc_input_t *in, const tc_output_t *out,
                                 uint16_t first, uint16_t last, int8_t *scratch)
{
    static TC_CONST tc_convolution_shape_t shape = {
        TC_GEMM_4X2_PIXELS, 4, TC_WORDS, tc_convolution_windows, tc_gemm_4x2, tc_gemm_one,
    };
    int8_t *outs[4 * TC_GEMM_4X2_PIXELS];
    tc_convolution(constants, in, out, first, last, scratch, &shape, outs, NULL);
}

#endif
