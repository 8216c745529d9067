/* CONV_2D and FULLY_CONNECTED for AVR, uncompressed weights, without scratch. */
#ifndef TINYCOMP_CONV_2D_DIRECT_AVR_H
#define TINYCOMP_CONV_2D_DIRECT_AVR_H

#include "dense.h"
#include "direct_avr.h"
#include "tinycomp.h"

typedef tc_convolution_avr_t tc_conv_2d_direct_avr_t;

#if defined(__AVR__)
/* clang-format off */
#define TC_AVR_WEIGHTS              \
    "lpm r19, Z+\n\t"               \
    TC_AVR_ADD("r4", "r5", "r6")    \
    "lpm r19, Z+\n\t"               \
    TC_AVR_ADD("r7", "r8", "r9")    \
    "lpm r19, Z+\n\t"               \
    TC_AVR_ADD("r10", "r11", "r12") \
    "lpm r19, Z+\n\t"               \
    TC_AVR_ADD("r13", "r14", "r15")
/* clang-format on */
#endif

static inline void tc_conv_2d_direct_avr_products(uint8_t *sums, const uint8_t *starts, const uint8_t *x, size_t count,
                                                  const uint8_t *weights)
{
#if defined(__AVR__)
    TC_AVR_PRODUCTS("", TC_AVR_DIRECT_CELL("4", TC_AVR_WEIGHTS), "", sums, starts, x, weights, count);
#else
    tc_avr_begin(sums, starts, 0);
    for (; count > 0; count--, x++) {
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
            tc_avr_add(sums + 3 * c, (int8_t)*x + 128, (int8_t)*weights++);
        }
    }
#endif
}

TC_AVR_CALLED static void tc_conv_2d_direct_avr_cell(const tc_convolution_avr_t *op, const uint8_t *x, size_t count,
                                                     const uint8_t *weights, uint8_t *sums, int8_t *to)
{
    tc_avr_blocks(op, x, count, weights, count * TC_AVR_CHANNELS, sums, to, tc_conv_2d_direct_avr_products);
}

/* Output rows [first, last). No scratch. */
static void tc_conv_2d_direct_avr(const tc_conv_2d_direct_avr_t *constants, const tc_input_t *in,
                                  const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_direct_avr_t, op, constants);
    TC_FETCH(tc_dense_t, dense, (const tc_dense_t *)op->weights);
    uint8_t sums[TC_AVR_STARTS];
    (void)scratch;
    tc_avr_direct(op, in, out, first, last, (const uint8_t *)dense->values, sums, tc_conv_2d_direct_avr_cell);
}

#endif
