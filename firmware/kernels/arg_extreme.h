/* Places of the largest or smallest values along one axis; of equal values the first counts. */
#ifndef TINYCOMP_ARG_EXTREME_H
#define TINYCOMP_ARG_EXTREME_H

#include "tinycomp.h"

typedef struct {
    uint16_t together; /* input rows whose places make up one output row */
    size_t outer;      /* groups of an input row that are searched by themselves */
    uint16_t count;    /* values that are compared */
    size_t inner;      /* bytes between two of them, and places of a group */
    uint8_t down;      /* 1: they lie in different rows, at the same byte */
    uint8_t largest;   /* 1: the largest, 0: the smallest */
} tc_arg_extreme_t;

/* The place of one extreme: of the values from byte `at` of row y on. */
static inline int8_t tc_arg_extreme_place(const tc_arg_extreme_t *op, const tc_input_t *in, uint16_t y, size_t at)
{
    const int8_t *x = tc_input_row(in, y) + at;
    int8_t found = *x, place = 0;
    for (uint16_t i = 1; i < op->count; i++) {
        x = op->down ? tc_input_row(in, i) + at : x + op->inner;
        if (op->largest ? *x > found : *x < found) {
            found = *x;
            place = (int8_t)i;
        }
    }
    return place;
}

static inline int8_t *tc_arg_extreme_row(const tc_arg_extreme_t *op, const tc_input_t *in, uint16_t y, size_t at,
                                         int8_t *to)
{
    for (size_t group = 0; group < op->outer; group++) {
        for (size_t i = 0; i < op->inner; i++) {
            *to++ = tc_arg_extreme_place(op, in, y, at + i);
        }
        at += op->count * op->inner;
    }
    return to;
}

/* Output rows [first, last). No scratch. */
static void tc_arg_extreme(const tc_arg_extreme_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_arg_extreme_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        if (op->down) {
            tc_arg_extreme_row(op, in, 0, y * op->inner, to);
            continue;
        }
        for (uint16_t i = 0; i < op->together; i++) {
            to = tc_arg_extreme_row(op, in, (uint16_t)(y + i), 0, to);
        }
    }
}

#endif
