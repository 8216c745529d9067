/* Products of two rows of int8 values on Armv7E-M; see generic/product_row.h for the function, and rounding.h for the
 * arithmetic. */
#ifndef TINYCOMP_PRODUCT_ROW_H
#define TINYCOMP_PRODUCT_ROW_H

#include "dsp.h"
#include "product.h"

#define TC_PRODUCT_FARTHEST (-16) /* with shifts down to this, a zero point is added to the product's high word */

/* All values, where the shift is to the right; rounding: the zero point and one half before it. */
static inline void tc_product_fast(const tc_product_t *product, const int8_t *x, const int8_t *y, size_t step,
                                   int8_t *to, size_t count)
{
    const tc_product_t p = *product; /* a copy, which stores to the output cannot change */
    const int right = -p.shift - 1;
    const int32_t rounding = (2 * p.zero_point + 1) * ((int32_t)1 << right);
    for (int8_t *const end = to + count; to != end; y += step) {
        const int32_t value = (*x++ - p.first_zero_point) * (*y - p.second_zero_point);
        const int32_t high = tc_smmlar(2 * value, p.multiplier, rounding) + (value >> 31);
        *to++ = (int8_t)tc_halve_to_int8(high >> right);
    }
}

/* `count` outputs; step: from one value of y to the next, 0 or 1. `to` may be x. */
static inline void tc_product_row(const tc_product_t *product, const int8_t *x, const int8_t *y, size_t step,
                                  int8_t *to, size_t count)
{
    if (product->shift < 0 && product->shift >= TC_PRODUCT_FARTHEST) {
        tc_product_fast(product, x, y, step, to, count);
        for (size_t i = 0; i < count && (product->low != -128 || product->high != 127); i++) {
            to[i] = tc_clamp(to[i], product->low, product->high);
        }
        return;
    }
    for (; count > 0; count--, y += step) {
        *to++ = tc_product_value(product, *x++, *y);
    }
}

/* The same where y is a constant. */
#define tc_product_constant tc_product_row

#endif
