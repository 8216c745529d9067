/* Means along axes within a row: each row has its own results. */
#ifndef TINYCOMP_MEAN_ROWS_H
#define TINYCOMP_MEAN_ROWS_H

#include "tinycomp.h"

typedef struct {
    uint16_t together; /* input rows whose results make up one output row */
    size_t outer;      /* groups of an input row that are reduced by themselves */
    size_t count;      /* cells of a group, each added to the next */
    size_t inner;      /* bytes of a cell */
    int32_t offset;    /* initial value of each sum: -(input zero point) x count */
    int32_t multiplier;
    int8_t shift;
    int8_t zero_point; /* of the output */
} tc_mean_rows_t;

static inline int8_t tc_mean_rows_value(const tc_mean_rows_t *op, const int8_t *x)
{
    int32_t sum = op->offset;
    for (size_t i = 0; i < op->count; i++) {
        sum += x[i * op->inner];
    }
    return tc_clamp(tc_requantize(sum, op->multiplier, op->shift) + op->zero_point, -128, 127);
}

static inline int8_t *tc_mean_rows_row(const tc_mean_rows_t *op, const int8_t *x, int8_t *to)
{
    for (size_t group = 0; group < op->outer; group++) {
        for (size_t i = 0; i < op->inner; i++) {
            *to++ = tc_mean_rows_value(op, x + i);
        }
        x += op->count * op->inner;
    }
    return to;
}

/* Output rows [first, last). No scratch. */
static void tc_mean_rows(const tc_mean_rows_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                         uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mean_rows_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        for (uint16_t i = 0; i < op->together; i++) {
            to = tc_mean_rows_row(op, tc_input_row(in, (uint16_t)(y + i)), to);
        }
    }
}

#endif
