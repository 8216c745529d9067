/* The product of two int8 values, less their zero points, rounded twice to int8; product_row.h computes it. */
#ifndef TINYCOMP_PRODUCT_H
#define TINYCOMP_PRODUCT_H

#include "tinycomp.h"

typedef struct {
    int first_zero_point, second_zero_point; /* 16 bits on AVR, which multiplies those by themselves */
    int32_t multiplier;
    int shift;
    int zero_point; /* of the output */
    int low, high;  /* bounds of the output */
} tc_product_t;

static inline __attribute__((always_inline)) int8_t tc_product_value(const tc_product_t *p, int x, int y)
{
    const int32_t product = (int32_t)(x - p->first_zero_point) * (y - p->second_zero_point);
    return tc_clamp(tc_requantize(product, p->multiplier, p->shift) + p->zero_point, p->low, p->high);
}

#endif
