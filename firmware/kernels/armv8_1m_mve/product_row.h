/* Products of two rows of int8 values on Armv8.1-M with MVE, four at a time; see generic/product_row.h. */
#ifndef TINYCOMP_PRODUCT_ROW_H
#define TINYCOMP_PRODUCT_ROW_H

#include "mve.h"
#include "product.h"

#if TC_MVE && defined(__OPTIMIZE__) /* without, there are too few registers for the operands */
#define TC_PRODUCT_FOURS 1
#else
#define TC_PRODUCT_FOURS 0
#endif

#if TC_PRODUCT_FOURS

/* From the products in q0, which are shifted to the right, to the outputs; q1 is changed. */
#define TC_PRODUCT_STORE                                                                                       \
    "vqrdmulh.s32 q0, q0, %[multiplier]\n\tvshr.s32 q1, q0, #31\n\tvadd.i32 q0, q0, q1\n\t"                    \
    "vrshl.s32 q0, %[shift]\n\tvadd.i32 q0, q0, %[zero_point]\n\tvqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\t" \
    "vstrb.32 q0, [%[to]], #4\n\tletp lr, 1b\n2:\n\t"

static inline void tc_product_fours(const tc_product_t *p, const int8_t *x, const int8_t *y, int8_t *to, size_t count)
{
    const int32_t first = -p->first_zero_point, second = -p->second_zero_point;
    __asm__ volatile(
        "wlstp.32 lr, %[count], 2f\n1:\n\tvldrb.s32 q0, [%[x]], #4\n\tvldrb.s32 q1, [%[y]], #4\n\t"
        "vadd.i32 q0, q0, %[first]\n\tvadd.i32 q1, q1, %[second]\n\tvmul.i32 q0, q0, q1\n\t" TC_PRODUCT_STORE
        : [x] "+&l"(x), [y] "+&l"(y), [to] "+&l"(to)
        : [count] "r"(count), [first] "r"(first), [second] "r"(second), [multiplier] "r"(p->multiplier),
          [shift] "r"(p->shift), [zero_point] "r"(p->zero_point)
        : "lr", "q0", "q1", "cc", "memory");
}

/* The same for one factor. */
static inline void tc_product_single(const tc_product_t *p, const int8_t *x, int32_t factor, int8_t *to, size_t count)
{
    const int32_t first = -p->first_zero_point;
    __asm__ volatile("wlstp.32 lr, %[count], 2f\n1:\n\tvldrb.s32 q0, [%[x]], #4\n\tvadd.i32 q0, q0, %[first]\n\t"
                     "vmul.i32 q0, q0, %[factor]\n\t" TC_PRODUCT_STORE
                     : [x] "+&l"(x), [to] "+&l"(to)
                     : [count] "r"(count), [first] "r"(first), [factor] "r"(factor), [multiplier] "r"(p->multiplier),
                       [shift] "r"(p->shift), [zero_point] "r"(p->zero_point)
                     : "lr", "q0", "q1", "cc", "memory");
}

#endif

/* `count` outputs; step: from one value of y to the next, 0 or 1. `to` may be x. */
static inline void tc_product_row(const tc_product_t *product, const int8_t *x, const int8_t *y, size_t step,
                                  int8_t *to, size_t count)
{
#if TC_PRODUCT_FOURS
    if (product->shift < 0) {
        if (step == 0) {
            tc_product_single(product, x, *y - product->second_zero_point, to, count);
        } else {
            tc_product_fours(product, x, y, to, count);
        }
        if (product->low != -128 || product->high != 127) {
            tc_mve_clamp(to, (int8_t)product->low, (int8_t)product->high, count);
        }
        return;
    }
#endif
    for (; count > 0; count--, y += step) {
        *to++ = tc_product_value(product, *x++, *y);
    }
}

/* The same where y is a constant. */
#define tc_product_constant tc_product_row

#endif
