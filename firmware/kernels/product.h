/* The product of two int8 values, less their zero points, rounded twice to int8; product_row.h computes it. */
#ifndef TINYCOMP_PRODUCT_H
#define TINYCOMP_PRODUCT_H

#include "tinycomp.h"

typedef struct {
    int32_t first_zero_point, second_zero_point;
    int32_t multiplier;
    int shift;
    int32_t zero_point; /* of the output */
    int32_t low, high;  /* bounds of the output */
} tc_product_t;

static inline int8_t tc_product_value(const tc_product_t *p, int32_t x, int32_t y)
{
    const int32_t product = (x - p->first_zero_point) * (y - p->second_zero_point);
    return tc_clamp(tc_requantize(product, p->multiplier, p->shift) + p->zero_point, p->low, p->high);
}

#endif
