/* SOFTMAX over the last axis: int16 to int16 with scale 1/32768. Exponentials and the reciprocal of their sum are
 * interpolated in tables of 513 entries. */
#ifndef TINYCOMP_SOFTMAX_INT16_H
#define TINYCOMP_SOFTMAX_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint16_t width;              /* vectors per row */
    uint16_t channels;           /* values per vector */
    int8_t shift;                /* of a difference to the maximum: positions in the table, -65535 for -10 */
    int32_t multiplier;          /* likewise */
    const int16_t *exponentials; /* e^x, x from -10 to 0 */
    const int16_t *reciprocals;  /* 1 / (1 + x), x from 0 to 1 */
} tc_softmax_int16_t;

/* Between two of the 513 entries of a table, which are 128 apart; x is saturated to int16. */
static int16_t tc_softmax_int16_look_up(const int16_t *table, int32_t x)
{
    const int32_t place = x < -32768 ? -32768 : x > 32767 ? 32767 : x;
    const int16_t *const entry = &table[256 + (place >> 7)];
    const int32_t base = TC_READ_I16(entry);
    const int32_t slope = TC_READ_I16(entry + 1) - base;
    return (int16_t)(base + ((slope * (place & 127) + 64) >> 7));
}

/* Exponentials take the outputs' places until their sum is known. */
static void tc_softmax_int16_vector(const tc_softmax_int16_t *op, const int16_t *from, int16_t *to)
{
    int32_t largest = -32768, scale;
    uint32_t total = 0; /* 15 fractional bits */
    int headroom = 0;
    for (uint16_t c = 0; c < op->channels; c++) {
        largest = from[c] > largest ? from[c] : largest;
    }
    for (uint16_t c = 0; c < op->channels; c++) {
        const int32_t place = tc_requantize(from[c] - largest, op->multiplier, op->shift) + 32767;
        const int32_t power = tc_softmax_int16_look_up(op->exponentials, place);
        to[c] = (int16_t)power;
        total += (uint32_t)power;
    }
    for (; !(total & 0x80000000u); headroom++) {
        total <<= 1;
    }
    scale = (int32_t)(((total >> 1) + 0x2000) >> 14) - 0x18000;
    scale = tc_softmax_int16_look_up(op->reciprocals, scale);
    for (uint16_t c = 0; c < op->channels; c++) {
        const int down = 31 - headroom;
        const int32_t share = (int32_t)(((uint32_t)to[c] * (uint32_t)scale + ((uint32_t)1 << (down - 1))) >> down);
        to[c] = (int16_t)(share > 32767 ? 32767 : share);
    }
}

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_softmax_int16(const tc_softmax_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                             uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_softmax_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *from = tc_input_row_int16(in, y);
        int16_t *to = tc_output_row_int16(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->channels, to += op->channels) {
            tc_softmax_int16_vector(op, from, to);
        }
    }
}

#endif
