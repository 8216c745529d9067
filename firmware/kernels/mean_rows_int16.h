/* Means along axes within a row of int16: each row has its own results. */
#ifndef TINYCOMP_MEAN_ROWS_INT16_H
#define TINYCOMP_MEAN_ROWS_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    uint16_t together; /* input rows whose results make up one output row */
    size_t outer;      /* groups of an input row that are reduced by themselves */
    size_t count;      /* cells of a group */
    size_t inner;      /* values of a cell */
    int32_t multiplier;
    int8_t shift;
} tc_mean_rows_int16_t;

static inline int16_t tc_mean_rows_int16_value(const tc_mean_rows_int16_t *op, const int16_t *x)
{
    int32_t sum = 0;
    for (size_t i = 0; i < op->count; i++) {
        sum += x[i * op->inner];
    }
    return tc_clamp_int16(tc_requantize(sum, op->multiplier, op->shift), -32768, 32767);
}

static inline int16_t *tc_mean_rows_int16_row(const tc_mean_rows_int16_t *op, const int16_t *x, int16_t *to)
{
    for (size_t group = 0; group < op->outer; group++) {
        for (size_t i = 0; i < op->inner; i++) {
            *to++ = tc_mean_rows_int16_value(op, x + i);
        }
        x += op->count * op->inner;
    }
    return to;
}

/* Output rows [first, last). No scratch. */
static void tc_mean_rows_int16(const tc_mean_rows_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mean_rows_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        int16_t *to = tc_output_row_int16(out, y);
        for (uint16_t i = 0; i < op->together; i++) {
            to = tc_mean_rows_int16_row(op, tc_input_row_int16(in, (uint16_t)(y + i)), to);
        }
    }
}

#endif
