/* DEPTHWISE_CONV_2D on Armv8.1-M with MVE, any output zero point: see depthwise_mve.h. */
#ifndef TINYCOMP_DEPTHWISE_CONV_2D_SIGNED_MVE_H
#define TINYCOMP_DEPTHWISE_CONV_2D_SIGNED_MVE_H

#include "depthwise_mve.h"

typedef tc_depthwise_mve_t tc_depthwise_conv_2d_signed_mve_t;

TC_DEPTHWISE_SIGNED(tc_depthwise_conv_2d_signed_mve_group)

/* Output rows [first, last). Scratch: see depthwise_mve.h. */
static void tc_depthwise_conv_2d_signed_mve(const tc_depthwise_conv_2d_signed_mve_t *op, const tc_input_t *in,
                                            const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_depthwise_mve(op, in, out, first, last, scratch, tc_depthwise_conv_2d_signed_mve_group);
}

#endif
