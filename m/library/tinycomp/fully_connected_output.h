/* Requantizes a sum of a fully connected layer, rounding once. */
#ifndef TINYCOMP_FULLY_CONNECTED_OUTPUT_H
#define TINYCOMP_FULLY_CONNECTED_OUTPUT_H

#include "tinycomp.h"

typedef struct {
    int32_t zero_point, low, high;
} tc_dense_output_t;

/* product: of the sum and the multiplier. total: the right shift, at least 1. */
static inline int8_t tc_dense_int8(int64_t product, int total, tc_dense_output_t output)
{
    product = (product + ((int64_t)1 << (total - 1))) >> total;
    product += output.zero_point; /* clamped in 64 bits: a factor above 1 may exceed 32 */
    return (int8_t)(product < output.low ? output.low : product > output.high ? output.high : product);
}

#endif
