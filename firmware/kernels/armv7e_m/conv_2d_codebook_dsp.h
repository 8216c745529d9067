/* CONV_2D on Armv7E-M with 4-bit codebooks, four pixels at a time: see convolution.h. */
#ifndef TINYCOMP_CONV_2D_CODEBOOK_DSP_H
#define TINYCOMP_CONV_2D_CODEBOOK_DSP_H

#include "convolution.h"
#include "gemm_4x2_codebook.h"

typedef tc_convolution_t tc_conv_2d_codebook_dsp_t;

/* Output rows [first, last). Scratch: see convolution.h, plus 1024 bytes for the table of pairs. */
static __attribute__((noinline)) void tc_conv_2d_codebook_dsp(const tc_conv_2d_codebook_dsp_t *op, const tc_input_t *in,
                                                              const tc_output_t *out, uint16_t first, uint16_t last,
                                                              int8_t *scratch, int8_t *table)
{
    static TC_CONST tc_convolution_shape_t shape = {
        TC_GEMM_4X2_PIXELS, 0, TC_INDICES, tc_convolution_windows_halves, tc_gemm_codebook, NULL,
    };
    int8_t *outs[TC_GEMM_4X2_PIXELS];
    uint32_t *const pairs = (uint32_t *)(void *)table;
    const tc_gemm_table_t looked_up = {tc_pair_table_indices(op->weights), pairs};
    tc_pair_table_fill(op->weights, pairs);
    tc_convolution(op, in, out, first, last, scratch, &shape, outs, &looked_up);
}

#endif
