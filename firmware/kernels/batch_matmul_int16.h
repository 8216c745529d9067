/* BATCH_MATMUL on int16: products of matrices that are both computed; see batch_matmul.h. */
#ifndef TINYCOMP_BATCH_MATMUL_INT16_H
#define TINYCOMP_BATCH_MATMUL_INT16_H

#include "int16.h"

typedef struct {
    uint16_t batches;                  /* matrices of a row */
    uint16_t height, width;            /* of a result, height 1 if an output row is a matrix's row */
    uint16_t depth;                    /* products of a sum */
    uint8_t first_whole, second_whole; /* 1: every output row reads the whole input */
    size_t first_down, first_step;     /* values to the next row of the first matrix, to the next value of a sum */
    size_t second_right, second_step;  /* values to the next column of the second, to the next value of a sum */
    int8_t shift;
    int32_t multiplier;
} tc_batch_matmul_int16_t;

/* A row of the result; x and y are where its first sum starts. Returns where the next row begins. */
static inline int16_t *tc_batch_matmul_row_int16(const tc_batch_matmul_int16_t *op, const int16_t *x, const int16_t *y,
                                                 int16_t *to)
{
    for (uint16_t column = 0; column < op->width; column++, y += op->second_right) {
        const int16_t *a = x, *b = y;
        int64_t sum = 0;
        for (uint16_t i = op->depth; i > 0; i--, a += op->first_step, b += op->second_step) {
            sum += (int32_t)*a * *b;
        }
        *to++ = tc_clamp_int16(tc_requantize_wide(sum, op->multiplier, op->shift), -32768, 32767);
    }
    return to;
}

/* Output rows [first, last). No scratch. */
static void tc_batch_matmul_int16(const tc_batch_matmul_int16_t *constants, const tc_input_t *in,
                                  const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_batch_matmul_int16_t, op, constants);
    const size_t depth = op->depth;
    (void)scratch;
    for (uint16_t row = first; row < last; row++) {
        /* An input that is read whole has all of its rows in order. */
        const int16_t *x = op->first_whole ? tc_input_row_int16(in, 0) + row * op->first_down
                                           : tc_input_row_int16(in, row);
        const int16_t *y = tc_input_row_int16(in + 1, op->second_whole ? 0 : row);
        int16_t *to = tc_output_row_int16(out, row);
        for (uint16_t i = 0; i < op->batches; i++, x += op->height * depth, y += depth * op->width) {
            const int16_t *line = x;
            for (uint16_t line_number = 0; line_number < op->height; line_number++, line += op->first_down) {
                to = tc_batch_matmul_row_int16(op, line, y, to);
            }
        }
    }
}

#endif
