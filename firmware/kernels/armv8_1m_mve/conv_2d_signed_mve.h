/* CONV_2D on Armv8.1-M with MVE, any output zero point: see convolution_mve.h. */
#ifndef TINYCOMP_CONV_2D_SIGNED_MVE_H
#define TINYCOMP_CONV_2D_SIGNED_MVE_H

#include "convolution_mve.h"

typedef tc_convolution_mve_t tc_conv_2d_signed_mve_t;

TC_GEMM_SIGNED(tc_conv_2d_signed_mve_gemm)

/* Output rows [first, last). Scratch: see convolution_mve.h. */
static void tc_conv_2d_signed_mve(const tc_conv_2d_signed_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                                  uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_convolution_mve(op, in, out, first, last, scratch, tc_conv_2d_signed_mve_gemm);
}

#endif
