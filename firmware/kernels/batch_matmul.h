/* BATCH_MATMUL: products of matrices that are both computed. An output row holds whole matrices, or it is a row of the
 * one matrix. */
#ifndef TINYCOMP_BATCH_MATMUL_H
#define TINYCOMP_BATCH_MATMUL_H

#include "tinycomp.h"

typedef struct {
    uint16_t batches;                  /* matrices of a row */
    uint16_t height, width;            /* of a result, height 1 if an output row is a matrix's row */
    uint16_t depth;                    /* products of a sum */
    uint8_t first_whole, second_whole; /* 1: every output row reads the whole input */
    size_t first_down, first_step;     /* bytes to the next row of the first matrix, to the next value of a sum */
    size_t second_right, second_step;  /* bytes to the next column of the second, to the next value of a sum */
    int8_t first_zero_point, second_zero_point, output_zero_point;
    int8_t shift;
    int32_t multiplier;
} tc_batch_matmul_t;

static inline int8_t tc_batch_matmul_value(const tc_batch_matmul_t *op, const int8_t *x, const int8_t *y)
{
    int32_t sum = 0;
    for (uint16_t k = 0; k < op->depth; k++) {
        sum += (int32_t)(*x - op->first_zero_point) * (*y - op->second_zero_point);
        x += op->first_step;
        y += op->second_step;
    }
    return tc_clamp(tc_requantize(sum, op->multiplier, op->shift) + op->output_zero_point, -128, 127);
}

static inline int8_t *tc_batch_matmul_matrix(const tc_batch_matmul_t *op, const int8_t *x, const int8_t *y, int8_t *to)
{
    for (uint16_t row = 0; row < op->height; row++) {
        for (uint16_t column = 0; column < op->width; column++) {
            *to++ = tc_batch_matmul_value(op, x + row * op->first_down, y + column * op->second_right);
        }
    }
    return to;
}

/* Output rows [first, last). No scratch. */
static void tc_batch_matmul(const tc_batch_matmul_t *constants, const tc_input_t *in, const tc_output_t *out,
                            uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_batch_matmul_t, op, constants);
    const size_t depth = op->depth;
    (void)scratch;
    for (uint16_t row = first; row < last; row++) {
        /* An input that is read whole has all of its rows in order. */
        const int8_t *x = op->first_whole ? in[0].base + row * op->first_down : tc_input_row(in, row);
        const int8_t *y = op->second_whole ? in[1].base : tc_input_row(in + 1, row);
        int8_t *to = tc_output_row(out, row);
        for (uint16_t i = 0; i < op->batches; i++) {
            to = tc_batch_matmul_matrix(op, x, y, to);
            x += op->height * depth;
            y += depth * op->width;
        }
    }
}

#endif
