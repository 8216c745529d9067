/* Rows of a table, looked up by their numbers. */
#ifndef TINYCOMP_EMBEDDING_H
#define TINYCOMP_EMBEDDING_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint8_t together;          /* 1: all numbers are in one row, one for each output row */
    size_t numbers;            /* for each output row */
    uint16_t rows;             /* of the table */
    size_t size;               /* bytes of one */
    const tc_weights_t *table; /* rows x size */
} tc_embedding_t;

/* Output rows [first, last). Numbers are int16. One beyond the table counts as its last row, a negative one as its
 * first. No scratch: a row is decoded where it is wanted. */
static void tc_embedding(const tc_embedding_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                         uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_embedding_t, op, constants);
    const uint16_t end = (uint16_t)(op->rows - 1u);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *numbers = op->together ? tc_input_row_int16(in, 0) + y : tc_input_row_int16(in, y);
        int8_t *to = tc_output_row(out, y);
        for (size_t i = 0; i < op->numbers; i++) {
            const uint16_t row = (numbers[i] < 0) ? 0 : (uint16_t)numbers[i];
            const tc_index_t from = (tc_index_t)(row < end ? row : end) * op->size;
            const int8_t *values = tc_weights_read(op->table, from, op->size, to);
            if (values != to) {
                tc_copy(to, values, op->size);
            }
            to += op->size;
        }
    }
}

#endif
