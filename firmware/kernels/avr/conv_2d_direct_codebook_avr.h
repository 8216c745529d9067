/* CONV_2D and FULLY_CONNECTED for AVR, weights of a codebook, without scratch. */
#ifndef TINYCOMP_CONV_2D_DIRECT_CODEBOOK_AVR_H
#define TINYCOMP_CONV_2D_DIRECT_CODEBOOK_AVR_H

#include "codebook.h"
#include "direct_avr.h"
#include "table_avr.h"
#include "tinycomp.h"

typedef tc_convolution_avr_t tc_conv_2d_direct_codebook_avr_t;

#if defined(__AVR__)
/* clang-format off */
#define TC_AVR_LOOKED_UP                                            \
    TC_AVR_LOOK_UP(TC_AVR_ADD, "r4", "r5", "r6", "r7", "r8", "r9")  \
    TC_AVR_LOOK_UP(TC_AVR_ADD, "r10", "r11", "r12", "r13", "r14", "r15")
/* clang-format on */
#endif

static inline void tc_conv_2d_direct_codebook_avr_products(uint8_t *sums, const uint8_t *starts, const uint8_t *x,
                                                           size_t count, const uint8_t *weights)
{
#if defined(__AVR__)
    TC_AVR_PRODUCTS(TC_AVR_SET_TABLE, TC_AVR_DIRECT_CELL("2", TC_AVR_LOOKED_UP), TC_AVR_UNSET_TABLE, sums, starts, x,
                    weights, count);
#else
    const uint8_t *const table = sums - TC_AVR_ENTRIES;
    tc_avr_begin(sums, starts, 0);
    for (; count > 0; count--, x++) {
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c += 2, weights++) {
            tc_avr_add(sums + 3 * c, (int8_t)*x + 128, (int8_t)table[*weights & 15u]);
            tc_avr_add(sums + 3 * c + 3, (int8_t)*x + 128, (int8_t)table[*weights >> 4]);
        }
    }
#endif
}

TC_AVR_CALLED static void tc_conv_2d_direct_codebook_avr_cell(const tc_convolution_avr_t *op, const uint8_t *x,
                                                              size_t count, const uint8_t *weights, uint8_t *sums,
                                                              int8_t *to)
{
    tc_avr_blocks(op, x, count, weights, count * TC_AVR_CHANNELS / 2, sums, to,
                  tc_conv_2d_direct_codebook_avr_products);
}

/* Output rows [first, last). No scratch. */
static void tc_conv_2d_direct_codebook_avr(const tc_conv_2d_direct_codebook_avr_t *constants, const tc_input_t *in,
                                           const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_direct_codebook_avr_t, op, constants);
    TC_FETCH(tc_codebook_t, codebook, (const tc_codebook_t *)op->weights);
    uint8_t room[TC_AVR_TABLE_ROOM];
    (void)scratch;
    tc_avr_direct(op, in, out, first, last, codebook->indices, tc_avr_table(room, codebook->table, 0),
                  tc_conv_2d_direct_codebook_avr_cell);
}

#endif
