/* Products of two rows of int8 values, in portable C: the reference that product_row.h of every other instruction set
 * must match. The second row may be one value for all. */
#ifndef TINYCOMP_PRODUCT_ROW_H
#define TINYCOMP_PRODUCT_ROW_H

#include "product.h"

/* `count` outputs; step: from one value of y to the next, 0 or 1. `to` may be x. */
static inline void tc_product_row(const tc_product_t *product, const int8_t *x, const int8_t *y, size_t step,
                                  int8_t *to, size_t count)
{
    for (; count > 0; count--, y += step) {
        *to++ = tc_product_value(product, *x++, *y);
    }
}

/* The same where y is a constant. */
static inline void tc_product_constant(const tc_product_t *product, const int8_t *x, const int8_t *y, size_t step,
                                       int8_t *to, size_t count)
{
    for (; count > 0; count--, y += step) {
        *to++ = tc_product_value(product, *x++, TC_READ_I8(y));
    }
}

#endif
