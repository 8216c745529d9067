/* BATCH_MATMUL: products of matrices that are both computed. An output row holds whole matrices, or it is a row of the
 * one matrix.
 *
 * The second matrix is taken column by column. Where a column's values do not follow each other, the matrix is turned
 * first, into scratch; likewise a row of the first. Zero points are in what sums start at:
 *     sum of (x - a)(y - b) = sum of x y - b (sum of x) + (depth a b - a (sum of y)) */
#ifndef TINYCOMP_BATCH_MATMUL_H
#define TINYCOMP_BATCH_MATMUL_H

#include "dot.h"
#include "sums_to_int8.h"
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

/* Copies `count` values that are `step` bytes apart; returns their sum. */
static int32_t tc_batch_matmul_gather(const int8_t *from, size_t step, size_t count, int8_t *to)
{
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++, from += step) {
        to[i] = *from;
        sum += *from;
    }
    return sum;
}

static int32_t tc_batch_matmul_sum(const int8_t *from, size_t count)
{
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += from[i];
    }
    return sum;
}

/* Fills the starts of all sums, and turns the second matrix if it has to be. Returns its first column. */
static const int8_t *tc_batch_matmul_columns(const tc_batch_matmul_t *op, const int8_t *y, int32_t *starts,
                                             int8_t *turned)
{
    const int32_t both = (int32_t)op->depth * op->first_zero_point * op->second_zero_point;
    const int8_t *const first = op->second_step == 1 ? y : turned;
    for (uint16_t column = 0; column < op->width; column++, y += op->second_right, turned += op->depth) {
        const int32_t sum = op->second_step == 1 ? tc_batch_matmul_sum(y, op->depth)
                                                 : tc_batch_matmul_gather(y, op->second_step, op->depth, turned);
        starts[column] = both - op->first_zero_point * sum;
    }
    return first;
}

/* A row of the result. x: a row of the first matrix, whose values follow each other; sum: of these values. */
static int8_t *tc_batch_matmul_row(const tc_batch_matmul_t *op, const int8_t *x, int32_t sum, const int8_t *columns,
                                   const int32_t *starts, int8_t *to)
{
    const tc_scale_t scale = {-op->second_zero_point * sum, op->multiplier, op->shift, op->output_zero_point};
    const size_t depth = op->depth;
    unsigned rest = op->width;
    for (; rest >= TC_DOT_CHANNELS; rest -= TC_DOT_CHANNELS) {
        int32_t sums[TC_DOT_CHANNELS];
        memcpy(sums, starts, sizeof sums);
        tc_dot(sums, TC_DOT_CHANNELS, x, columns, depth, depth);
        tc_sums_to_int8(&scale, sums, TC_DOT_CHANNELS, to);
        columns += TC_DOT_CHANNELS * depth;
        starts += TC_DOT_CHANNELS;
        to += TC_DOT_CHANNELS;
    }
    for (; rest > 0; rest--, columns += depth) {
        int32_t sums[TC_SUMS_TO_INT8] = {*starts++};
        tc_dot(sums, 1, x, columns, depth, depth);
        tc_sums_to_int8(&scale, sums, 1, to++);
    }
    return to;
}

/* A matrix of the result, or the one row of it. line: scratch for a row of the first matrix. */
static int8_t *tc_batch_matmul_matrix(const tc_batch_matmul_t *op, const int8_t *x, const int8_t *columns,
                                      const int32_t *starts, int8_t *line, int8_t *to)
{
    for (uint16_t row = 0; row < op->height; row++, x += op->first_down) {
        const int straight = op->first_step == 1;
        const int32_t sum = straight ? tc_batch_matmul_sum(x, op->depth)
                                     : tc_batch_matmul_gather(x, op->first_step, op->depth, line);
        to = tc_batch_matmul_row(op, straight ? x : line, sum, columns, starts, to);
    }
    return to;
}

/* Output rows [first, last). Scratch: four bytes a column; a row of the first matrix, if its values do not follow each
 * other; the second matrix, if a column's do not. It is kept between calls if all rows read the same matrix. */
static void tc_batch_matmul(const tc_batch_matmul_t *constants, const tc_input_t *in, const tc_output_t *out,
                            uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_batch_matmul_t, op, constants);
    const size_t depth = op->depth;
    int32_t *const starts = (int32_t *)(void *)scratch;
    int8_t *const line = scratch + 4 * (size_t)op->width;
    int8_t *const turned = op->first_step == 1 ? line : line + depth;
    const int8_t *columns = op->second_step == 1 ? in[1].base : turned;
    for (uint16_t row = first; row < last; row++) {
        /* An input that is read whole has all of its rows in order. */
        const int8_t *x = op->first_whole ? in[0].base + row * op->first_down : tc_input_row(in, row);
        const int8_t *y = op->second_whole ? in[1].base : tc_input_row(in + 1, row);
        int8_t *to = tc_output_row(out, row);
        for (uint16_t i = 0; i < op->batches; i++, x += op->height * depth, y += depth * op->width) {
            if (!op->second_whole || row == 0) {
                columns = tc_batch_matmul_columns(op, y, starts, turned);
            }
            to = tc_batch_matmul_matrix(op, x, columns, starts, line, to);
        }
    }
}

#endif
