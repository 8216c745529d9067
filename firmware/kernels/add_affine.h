/* ADD and SUB of two tensors; the second may be broadcast: one row for all rows, one cell or one value for a whole row.
 *
 * An output is a function of two int8 values, so a simpler formula can be proven equal: (a x + b y + c) >> shift,
 * clamped to the activation's bounds. The generator found a, b and c and checked all 65,536 pairs. No sum exceeds 32
 * bits. */
#ifndef TINYCOMP_ADD_AFFINE_H
#define TINYCOMP_ADD_AFFINE_H

#include "affine_row.h"

typedef struct {
    uint16_t wide;   /* which input has the output's shape, 0 or 1 */
    uint16_t rows;   /* of the other input: as many as the output, or 1 (broadcast) */
    uint32_t size;   /* bytes of an output row */
    uint32_t period; /* bytes after which the other input repeats */
    int32_t wide_factor, repeated_factor, offset;
    uint8_t shift;
    int8_t activation_min, activation_max;
} tc_add_affine_t;

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static void tc_add_affine(const tc_add_affine_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                          uint16_t last, int8_t *scratch)
{
    const tc_affine_t affine = {op->wide_factor, op->repeated_factor, op->offset,
                                op->shift,       op->activation_min,  op->activation_max};
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *wide = tc_input_row(in + op->wide, y);
        const int8_t *const repeated = tc_input_row(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int8_t *to = tc_output_row(out, y);
        for (uint32_t i = 0; i < op->size; i += op->period, wide += op->period, to += op->period) {
            tc_affine_row(&affine, wide, repeated, to, op->period);
        }
    }
}

#endif
