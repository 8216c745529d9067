/* FULLY_CONNECTED on Armv8.1-M with MVE, one factor per output: see dense_layer_mve.h. */
#ifndef TINYCOMP_FULLY_CONNECTED_MVE_H
#define TINYCOMP_FULLY_CONNECTED_MVE_H

#include "dense_layer_mve.h"

typedef tc_dense_layer_mve_t tc_fully_connected_mve_t;

TC_GEMM_ONCE(tc_fully_connected_mve_gemm)

/* Output rows [first, last). Scratch: see dense_layer_mve.h. */
static void tc_fully_connected_mve(const tc_fully_connected_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                                   uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_dense_layer_mve(op, in, out, first, last, scratch, tc_fully_connected_mve_gemm);
}

#endif
