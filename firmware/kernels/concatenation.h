/* CONCATENATION along one axis. */
#ifndef TINYCOMP_CONCATENATION_H
#define TINYCOMP_CONCATENATION_H

#include "tinycomp.h"

typedef struct {
    uint16_t inputs;
    uint16_t repeats;     /* pieces of each input row that an output row interleaves; 0: stack the inputs' rows */
    const int32_t *sizes; /* bytes of each input's piece; rows of each input where they are stacked */
    size_t row;           /* bytes of an output row */
} tc_concatenation_t;

/* Copies the pieces of an input's row, which are `step` bytes apart in the output. */
static inline void tc_concatenation_pieces(const int8_t *from, int8_t *to, size_t size, size_t step, uint16_t pieces)
{
    if (!TC_CONSTANTS_IN_PROGRAM_MEMORY && (((uintptr_t)from | (uintptr_t)to | size | step) & 3) == 0) {
        for (; pieces > 0; pieces--, from += size, to += step) {
            tc_move_words(to, from, size); /* memcpy takes longer for few bytes */
        }
        return;
    }
    for (; pieces > 0; pieces--, from += size, to += step) {
        tc_copy(to, from, size);
    }
}

/* Interleaves the pieces of row y of all inputs. */
static inline void tc_concatenation_interleave(const tc_concatenation_t *op, const tc_input_t *in, int8_t *to,
                                               uint16_t y)
{
    size_t step = 0;
    for (uint16_t i = 0; i < op->inputs; i++) {
        step += (size_t)TC_READ_I32(op->sizes + i);
    }
    for (uint16_t i = 0; i < op->inputs; i++) {
        const size_t size = (size_t)TC_READ_I32(op->sizes + i);
        tc_concatenation_pieces(tc_input_row(in + i, y), to, size, step, op->repeats);
        to += size;
    }
}

/* Row y of the stacked inputs. */
static inline void tc_concatenation_stack(const tc_concatenation_t *op, const tc_input_t *in, int8_t *to, uint16_t y)
{
    uint16_t height = (uint16_t)TC_READ_I32(op->sizes);
    uint16_t i = 0;
    while (y >= height) {
        y = (uint16_t)(y - height);
        i++;
        height = (uint16_t)TC_READ_I32(op->sizes + i);
    }
    tc_copy(to, tc_input_row(in + i, y), op->row);
}

/* Output rows [first, last). No scratch. */
static void tc_concatenation(const tc_concatenation_t *constants, const tc_input_t *in, const tc_output_t *out,
                             uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_concatenation_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        if (op->repeats == 0) {
            tc_concatenation_stack(op, in, tc_output_row(out, y), y);
        } else {
            tc_concatenation_interleave(op, in, tc_output_row(out, y), y);
        }
    }
}

#endif
