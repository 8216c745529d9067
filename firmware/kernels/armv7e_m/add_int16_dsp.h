/* ADD of two int16 tensors of the same shape on Armv7E-M; see add_int16.h for the arithmetic. The coarse input has half the
 * common scale: it is rescaled by a shift. */
#ifndef TINYCOMP_ADD_INT16_DSP_H
#define TINYCOMP_ADD_INT16_DSP_H

#include "rounding_int16.h"
#include "tinycomp.h"

#define TC_ADD_INT16_COARSE (1 << 14)

typedef struct {
    uint16_t coarse; /* which input, 0 or 1 */
    size_t size;     /* values of a row */
    int16_t activation_min, activation_max;
    uint8_t fine_shift, output_shift; /* to the right, at least 1 */
    int32_t fine_multiplier, output_multiplier;
} tc_add_int16_dsp_t;

/* x / 2^(less + 1), rounded to nearest, ties away from zero. */
static inline int32_t tc_add_int16_halve(int32_t x, unsigned less)
{
    return (((x + (x >> 31)) >> less) + 1) >> 1;
}

/* Output rows [first, last). No scratch. The output may overwrite the first input. */
static void tc_add_int16_dsp(const tc_add_int16_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                             uint16_t last, int8_t *scratch)
{
    const int32_t fine_multiplier = op->fine_multiplier, multiplier = op->output_multiplier;
    const int32_t low = op->activation_min, high = op->activation_max;
    const unsigned fine_less = op->fine_shift - 1u, less = op->output_shift - 1u;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *coarse = tc_input_row_int16(in + op->coarse, y);
        const int16_t *fine = tc_input_row_int16(in + 1 - op->coarse, y);
        int16_t *to = tc_output_row_int16(out, y);
        for (const int16_t *const end = fine + op->size; fine != end; fine++) {
            const int32_t raised = tc_smmulr(*fine * 65536, fine_multiplier);
            const int32_t sum = *coarse++ * TC_ADD_INT16_COARSE + tc_add_int16_halve(raised, fine_less);
            *to++ = tc_clamp_int16(tc_add_int16_halve(tc_smmulr(2 * sum, multiplier), less), low, high);
        }
    }
}

#endif
