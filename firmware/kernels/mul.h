/* The product of two tensors, of which the second may repeat itself: one row for all rows, one cell or one value for
 * all of a row. */
#ifndef TINYCOMP_MUL_H
#define TINYCOMP_MUL_H

#include "tinycomp.h"

typedef struct {
    uint16_t wide;     /* which input has the output's shape, 0 or 1 */
    uint16_t rows;     /* of the other input: as many as the output, or 1 for all of them */
    size_t size;       /* bytes of an output row */
    size_t period;     /* bytes after which the other input starts again */
    int32_t wide_zero; /* zero points */
    int32_t repeated_zero;
    int32_t multiplier;
    int shift;
    int32_t zero_point; /* of the output */
    int32_t low;        /* the activation's bounds */
    int32_t high;
} tc_mul_t;

/* Computes output rows [first, last). */
static void tc_mul(const tc_mul_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                   uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mul_t, k, constants);
    uint16_t y;
    size_t i, j;
    (void)scratch;
    for (y = first; y < last; y++) {
        const int8_t *wide = tc_input_row(in + k->wide, y);
        const int8_t *repeated = tc_input_row(in + 1 - k->wide, k->rows == 1 ? 0 : y);
        int8_t *result = tc_output_row(out, y);
        for (i = 0; i < k->size; i += k->period) {
            for (j = 0; j < k->period; j++) {
                const int32_t product = (wide[i + j] - k->wide_zero) * (repeated[j] - k->repeated_zero);
                const int32_t scaled = tc_requantize(product, k->multiplier, k->shift) + k->zero_point;
                result[i + j] = tc_clamp(scaled, k->low, k->high);
            }
        }
    }
}

#endif
