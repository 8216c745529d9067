/* Maxima or minima along axes within a row of int16: each row has its own results. */
#ifndef TINYCOMP_EXTREME_ROWS_INT16_H
#define TINYCOMP_EXTREME_ROWS_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint16_t together; /* input rows whose results make up one output row */
    size_t outer;      /* groups of an input row that are reduced by themselves */
    size_t count;      /* cells of a group */
    size_t inner;      /* values of a cell */
    uint8_t largest;   /* 1: maximum, 0: minimum */
} tc_extreme_rows_int16_t;

static inline int16_t tc_extreme_rows_int16_value(const tc_extreme_rows_int16_t *op, const int16_t *x)
{
    int16_t found = x[0];
    for (size_t i = 1; i < op->count; i++) {
        const int16_t other = x[i * op->inner];
        found = (other > found) == (op->largest != 0) ? other : found;
    }
    return found;
}

static inline int16_t *tc_extreme_rows_int16_row(const tc_extreme_rows_int16_t *op, const int16_t *x, int16_t *to)
{
    for (size_t group = 0; group < op->outer; group++) {
        for (size_t i = 0; i < op->inner; i++) {
            *to++ = tc_extreme_rows_int16_value(op, x + i);
        }
        x += op->count * op->inner;
    }
    return to;
}

/* Output rows [first, last). No scratch. */
static void tc_extreme_rows_int16(const tc_extreme_rows_int16_t *constants, const tc_input_t *in,
                                  const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_extreme_rows_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        int16_t *to = tc_output_row_int16(out, y);
        for (uint16_t i = 0; i < op->together; i++) {
            to = tc_extreme_rows_int16_row(op, tc_input_row_int16(in, (uint16_t)(y + i)), to);
        }
    }
}

#endif
