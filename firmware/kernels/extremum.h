/* MAXIMUM or MINIMUM of two tensors; the second may be broadcast: one row for all rows, one cell or one value for a
 * whole row. */
#ifndef TINYCOMP_EXTREMUM_H
#define TINYCOMP_EXTREMUM_H

#include "tinycomp.h"

typedef struct {
    uint16_t wide;   /* which input has the output's shape, 0 or 1 */
    uint16_t rows;   /* of the other input: as many as the output, or 1 (broadcast) */
    size_t size;     /* bytes of an output row */
    size_t period;   /* bytes after which the other input repeats */
    uint8_t largest; /* 1: maximum, 0: minimum */
} tc_extremum_t;

/* Output rows [first, last). No scratch. */
static void tc_extremum(const tc_extremum_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                        uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_extremum_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *wide = tc_input_row(in + op->wide, y);
        const int8_t *repeated = tc_input_row(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int8_t *result = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int8_t a = wide[i + j];
                const int8_t b = repeated[j];
                result[i + j] = (a > b) == (op->largest != 0) ? a : b;
            }
        }
    }
}

#endif
