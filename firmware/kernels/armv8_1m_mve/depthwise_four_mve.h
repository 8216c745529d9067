/* DEPTHWISE_CONV_2D on Armv8.1-M with MVE, windows of four words: see depthwise_mve.h. */
#ifndef TINYCOMP_DEPTHWISE_FOUR_MVE_H
#define TINYCOMP_DEPTHWISE_FOUR_MVE_H

#include "depthwise_mve.h"

typedef tc_depthwise_mve_t tc_depthwise_four_mve_t;

static void tc_depthwise_four_mve_products(const int8_t *scratch, const int32_t *at, const int8_t *weights,
                                           const int32_t *bias, int32_t *sums, unsigned fours)
{
#if TC_MVE
    TC_DEPTHWISE_PRODUCTS("16")
#else
    tc_depthwise_mve_products(scratch, at, weights, bias, sums, fours, 4);
#endif
}

/* Output rows [first, last). Scratch: as depthwise_mve.h says. */
static void tc_depthwise_four_mve(const tc_depthwise_four_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                                  uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_depthwise_mve(op, in, out, first, last, scratch, 4, tc_depthwise_four_mve_products);
}

#endif
