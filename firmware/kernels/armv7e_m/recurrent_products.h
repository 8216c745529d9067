/* Products of recurrent layers on Armv7E-M: four rows of the weights at a time, two products per SMLAD; activations are
 * spread to int16 pairs once a step. Weight layout: blocks of four rows, in each a word of every row for four inputs,
 * and so on, then the same for the state. */
#ifndef TINYCOMP_RECURRENT_PRODUCTS_H
#define TINYCOMP_RECURRENT_PRODUCTS_H

#include "dsp.h"

#define TC_ROWS_BLOCK 4

/* Groups of four values as pairs: the even ones, the odd ones. */
static inline void tc_rows_spread(uint32_t *pairs, const int8_t *from, unsigned groups)
{
    for (; groups != 0; groups--, from += 4, pairs += 2) {
        const uint32_t four = tc_load_word(from);
        pairs[0] = tc_sxtb16(four);
        pairs[1] = tc_sxtb16_odd(four);
    }
}

/* Adds the products of four rows; returns the weights after them. */
static inline const int8_t *tc_rows_products(uint32_t *sums, const int8_t *w, const uint32_t *pairs, unsigned groups)
{
    uint32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    for (const uint32_t *const end = pairs + 2 * groups; pairs != end; pairs += 2, w += 16) {
        const uint32_t even = pairs[0], odd = pairs[1];
        uint32_t four = tc_load_word(w);
        a = tc_smlad(tc_sxtb16_odd(four), odd, tc_smlad(tc_sxtb16(four), even, a));
        four = tc_load_word(w + 4);
        b = tc_smlad(tc_sxtb16_odd(four), odd, tc_smlad(tc_sxtb16(four), even, b));
        four = tc_load_word(w + 8);
        c = tc_smlad(tc_sxtb16_odd(four), odd, tc_smlad(tc_sxtb16(four), even, c));
        four = tc_load_word(w + 12);
        d = tc_smlad(tc_sxtb16_odd(four), odd, tc_smlad(tc_sxtb16(four), even, d));
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return w;
}

#endif
