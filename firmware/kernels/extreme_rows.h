/* Maxima or minima along axes within a row: each row has its own results. */
#ifndef TINYCOMP_EXTREME_ROWS_H
#define TINYCOMP_EXTREME_ROWS_H

#include "tinycomp.h"

typedef struct {
    uint16_t together; /* input rows whose results make up one output row */
    size_t outer;      /* groups of an input row that are reduced by themselves */
    size_t count;      /* cells of a group, compared with each other */
    size_t inner;      /* bytes of a cell */
    uint8_t largest;   /* 1: maximum, 0: minimum */
} tc_extreme_rows_t;

static inline int8_t tc_extreme_rows_value(const tc_extreme_rows_t *op, const int8_t *x)
{
    int8_t found = x[0];
    for (size_t i = 1; i < op->count; i++) {
        const int8_t other = x[i * op->inner];
        found = (other > found) == (op->largest != 0) ? other : found;
    }
    return found;
}

static inline int8_t *tc_extreme_rows_row(const tc_extreme_rows_t *op, const int8_t *x, int8_t *to)
{
    for (size_t group = 0; group < op->outer; group++) {
        for (size_t i = 0; i < op->inner; i++) {
            *to++ = tc_extreme_rows_value(op, x + i);
        }
        x += op->count * op->inner;
    }
    return to;
}

/* Output rows [first, last). No scratch. */
static void tc_extreme_rows(const tc_extreme_rows_t *constants, const tc_input_t *in, const tc_output_t *out,
                            uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_extreme_rows_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        for (uint16_t i = 0; i < op->together; i++) {
            to = tc_extreme_rows_row(op, tc_input_row(in, (uint16_t)(y + i)), to);
        }
    }
}

#endif
