/* The maximum or minimum of each channel of int16 over all positions. Rows may arrive one by one: partial results stay in scratch between calls. */
#ifndef TINYCOMP_EXTREME_INT16_H
#define TINYCOMP_EXTREME_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint16_t height; /* input rows */
    uint16_t width;  /* positions per row */
    uint16_t channels;
    uint8_t largest; /* 1: maximum, 0: minimum */
} tc_extreme_int16_t;

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x
 * 2 bytes, aligned for int16_t. */
static void tc_extreme_int16(const tc_extreme_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                             uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_extreme_int16_t, op, constants);
    int16_t *const found = (int16_t *)(void *)scratch;
    for (uint16_t c = 0; first == 0 && c < op->channels; c++) {
        found[c] = (op->largest != 0) ? -32768 : 32767;
    }
    for (uint16_t y = first; y < last; y++) {
        const int16_t *cell = tc_input_row_int16(in, y);
        for (uint16_t x = 0; x < op->width; x++, cell += op->channels) {
            for (uint16_t c = 0; c < op->channels; c++) {
                found[c] = (cell[c] > found[c]) == (op->largest != 0) ? cell[c] : found[c];
            }
        }
    }
    if (last == op->height) {
        int16_t *const to = tc_output_row_int16(out, 0);
        for (uint16_t c = 0; c < op->channels; c++) {
            to[c] = found[c];
        }
    }
}

#endif
