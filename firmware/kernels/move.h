/* Rearranges values: slices, transpositions, repetitions, gathers.
 *
 * An output row consists of runs, and a run of equally spaced cells, which are contiguous in the input. The start of a
 * row, and that of a run relative to its row, are in tables of (input row, byte within the row). After the end of a
 * table its entries repeat with an offset. */
#ifndef TINYCOMP_MOVE_H
#define TINYCOMP_MOVE_H

#include "tinycomp.h"

typedef struct {
    size_t cell;               /* bytes */
    size_t count;              /* cells of a run */
    size_t runs;               /* of an output row */
    int32_t down;              /* step between the cells of a run: input rows */
    int32_t right;             /* and bytes */
    uint16_t run_period;       /* entries of run_starts */
    uint16_t row_period;       /* entries of row_starts */
    int32_t run_down;          /* offset per period of runs: input rows */
    int32_t run_right;         /* and bytes */
    int32_t row_down;          /* offset per period of output rows: input rows */
    int32_t row_right;         /* and bytes */
    const int32_t *run_starts; /* pairs of input rows and bytes from the output row's start */
    const int32_t *row_starts; /* pairs of input row and byte */
} tc_move_t;

static inline int8_t *tc_move_run(const tc_move_t *op, const tc_input_t *in, int32_t row, int32_t at, int8_t *to)
{
    const int8_t *line = tc_input_row(in, (uint16_t)row);
    for (size_t i = 0; i < op->count; i++) {
        if (op->down != 0) {
            line = tc_input_row(in, (uint16_t)row);
            row += op->down;
        }
        if (op->cell == 1) {
            *to = line[at];
        } else {
            tc_copy(to, line + at, op->cell);
        }
        at += op->right;
        to += op->cell;
    }
    return to;
}

static inline void tc_move_row(const tc_move_t *op, const tc_input_t *in, int32_t row, int32_t at, int8_t *to)
{
    const int32_t *start = op->run_starts, *const end = start + 2 * (size_t)op->run_period;
    for (size_t i = 0; i < op->runs; i++) {
        to = tc_move_run(op, in, row + TC_READ_I32(start), at + TC_READ_I32(start + 1), to);
        start += 2;
        if (start == end) {
            start = op->run_starts;
            row += op->run_down;
            at += op->run_right;
        }
    }
}

/* Output rows [first, last). No scratch. */
static void tc_move(const tc_move_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                    uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_move_t, op, constants);
    int32_t row = 0, at = 0;
    uint16_t entry = first;
    (void)scratch;
    for (; entry >= op->row_period; entry = (uint16_t)(entry - op->row_period)) {
        row += op->row_down;
        at += op->row_right;
    }
    for (uint16_t y = first; y < last; y++) {
        const int32_t *start = op->row_starts + 2 * (size_t)entry;
        tc_move_row(op, in, row + TC_READ_I32(start), at + TC_READ_I32(start + 1), tc_output_row(out, y));
        entry++;
        if (entry == op->row_period) {
            entry = 0;
            row += op->row_down;
            at += op->row_right;
        }
    }
}

#endif
