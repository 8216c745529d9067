/* ADD and SUB of two int16 tensors; the second may be broadcast. Both are rescaled to twice the larger scale with 15
 * extra bits, added, and requantized to the output's scale. */
#ifndef TINYCOMP_ADD_INT16_H
#define TINYCOMP_ADD_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint16_t wide; /* which input has the output's shape, 0 or 1 */
    uint16_t rows; /* of the other input: as many as the output, or 1 (broadcast) */
    size_t size;   /* values of an output row */
    size_t period; /* values after which the other input repeats */
    int16_t activation_min, activation_max;
    int8_t wide_shift, repeated_shift, output_shift;
    int32_t wide_multiplier, repeated_multiplier, output_multiplier;
} tc_add_int16_t;

/* An input value in the common scale. */
static inline int32_t tc_add_int16_raise(int16_t x, int32_t multiplier, int shift)
{
    return tc_requantize((int32_t)x * ((int32_t)1 << 15), multiplier, shift);
}

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static __attribute__((unused)) void tc_add_int16(const tc_add_int16_t *constants, const tc_input_t *in,
                                                 const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_add_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *wide = tc_input_row_int16(in + op->wide, y);
        const int16_t *repeated = tc_input_row_int16(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int16_t *to = tc_output_row_int16(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int32_t a = tc_add_int16_raise(wide[i + j], op->wide_multiplier, op->wide_shift);
                const int32_t b = tc_add_int16_raise(repeated[j], op->repeated_multiplier, op->repeated_shift);
                const int32_t sum = tc_requantize(a + b, op->output_multiplier, op->output_shift);
                to[i + j] = tc_clamp_int16(sum, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif
