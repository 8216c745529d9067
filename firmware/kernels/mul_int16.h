/* MUL of two int16 tensors; the second may be broadcast. */
#ifndef TINYCOMP_MUL_INT16_H
#define TINYCOMP_MUL_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint16_t wide; /* which input has the output's shape, 0 or 1 */
    uint16_t rows; /* of the other input: as many as the output, or 1 (broadcast) */
    size_t size;   /* values of an output row */
    size_t period; /* values after which the other input repeats */
    int8_t shift;
    int16_t activation_min, activation_max;
    int32_t multiplier;
} tc_mul_int16_t;

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static __attribute__((unused)) void tc_mul_int16(const tc_mul_int16_t *constants, const tc_input_t *in,
                                                 const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mul_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *wide = tc_input_row_int16(in + op->wide, y);
        const int16_t *repeated = tc_input_row_int16(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int16_t *to = tc_output_row_int16(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int32_t product = (int32_t)wide[i + j] * repeated[j];
                const int32_t scaled = tc_requantize(product, op->multiplier, op->shift);
                to[i + j] = tc_clamp_int16(scaled, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif
