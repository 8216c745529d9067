/* MAXIMUM or MINIMUM of two int16 tensors; the second may be broadcast. */
#ifndef TINYCOMP_EXTREMUM_INT16_H
#define TINYCOMP_EXTREMUM_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint16_t wide;   /* which input has the output's shape, 0 or 1 */
    uint16_t rows;   /* of the other input: as many as the output, or 1 (broadcast) */
    size_t size;     /* values of an output row */
    size_t period;   /* values after which the other input repeats */
    uint8_t largest; /* 1: maximum, 0: minimum */
} tc_extremum_int16_t;

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static void tc_extremum_int16(const tc_extremum_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                              uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_extremum_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *wide = tc_input_row_int16(in + op->wide, y);
        const int16_t *repeated = tc_input_row_int16(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int16_t *to = tc_output_row_int16(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int16_t a = wide[i + j];
                const int16_t b = repeated[j];
                to[i + j] = (a > b) == (op->largest != 0) ? a : b;
            }
        }
    }
}

#endif
