/* DEPTHWISE_CONV_2D for AVR, at least four channels, depth multiplier 1. Weight layout: (block, kernel row, kernel
 * column, channel of the block), uncompressed and read from program memory in the inner loop; the last block is the
 * last four channels.
 *
 * Cells beyond a border are -128, the zero point, which adds nothing: they are skipped. */
#ifndef TINYCOMP_DEPTHWISE_AVR_H
#define TINYCOMP_DEPTHWISE_AVR_H

#include "dense.h"
#include "output_avr.h"
#include "span_avr.h"
#include "sums_avr.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t padding_top, padding_left;
    uint8_t half; /* this and the next: see output_avr.h */
    int16_t low;
    int8_t smallest;
    uint8_t range;
    const tc_weights_t *weights;
    const uint8_t *constants; /* for all blocks */
} tc_depthwise_avr_t;

/* The part of a window inside the input. Scratch: a block's sums, then the addresses of rows. */
typedef struct {
    uint8_t rows, columns;
    uint8_t step;         /* from a cell's last channel of a block to the next cell's first */
    uint8_t weights_skip; /* from a row's last weight to the next row's first */
    uint16_t offset;      /* of its first cell in a row */
} tc_avr_cells_t;

#if defined(__AVR__)
#define TC_AVR_TAP(low, middle, high) \
    "ld r18, X+\n\t"                  \
    "lpm r19, Z+\n\t"                 \
    "subi r18, 128\n\t"               \
    "breq 8f\n\t" TC_AVR_ADD(low, middle, high) "8:\n\t"
#endif

/* The sums of the block whose channels start at `offset` in each cell; rows, columns >= 1. */
TC_AVR_INSIDE static inline void tc_depthwise_avr_taps(int8_t *scratch, const uint8_t *starts,
                                                       const tc_avr_cells_t cells, uint16_t offset,
                                                       const int8_t *weights)
{
#if defined(__AVR__)
    uint8_t rows = cells.rows;
    /* Every operand has a fixed register, so that none is assigned r28 and r29. */
    register const uint8_t step __asm__("r24") = cells.step;
    register const uint8_t weights_skip __asm__("r25") = cells.weights_skip;
    /* clang-format off */
    __asm__ __volatile__(
        "clr r2\n\t"
        "push r28\n\t"
        "push r29\n\t"
        "push r26\n\t"
        "push r27\n\t"
        "movw r28, r26\n\t"
        "adiw r28, 12\n\t"
        TC_AVR_START
        "movw r30, %[weights]\n"
        "1:\n\t"
        "ld r26, Y+\n\t"
        "ld r27, Y+\n\t"
        "add r26, %A[offset]\n\t"
        "adc r27, %B[offset]\n\t"
        "mov %A[weights], %[columns]\n"
        "2:\n\t"
        TC_AVR_TAP("r4", "r5", "r6")
        TC_AVR_TAP("r7", "r8", "r9")
        TC_AVR_TAP("r10", "r11", "r12")
        TC_AVR_TAP("r13", "r14", "r15")
        "add r26, %[step]\n\t"
        "adc r27, r2\n\t"
        "dec %A[weights]\n\t"
        "brne 2b\n\t"
        "add r30, %[weights_skip]\n\t"
        "adc r31, r2\n\t"
        "dec %[rows]\n\t"
        "brne 1b\n\t"
        "pop r27\n\t"
        "pop r26\n\t"
        "pop r29\n\t"
        "pop r28\n\t"
        TC_AVR_FINISH
        : [weights] "+&a"(weights), [rows] "+&a"(rows), "+&z"(starts), "+&x"(scratch)
        : [columns] "a"(cells.columns), [step] "r"(step), [weights_skip] "r"(weights_skip), [offset] "a"(offset)
        : "r2", "r18", "r19", TC_AVR_SUMS, "memory");
    /* clang-format on */
#else
    const int8_t *addresses = scratch + TC_AVR_STARTS;
    uint8_t *const sums = (uint8_t *)scratch;
    tc_avr_begin(sums, starts, 0);
    for (unsigned row = cells.rows; row > 0; row--, weights += cells.weights_skip) {
        const int8_t *x;
        memcpy(&x, addresses, sizeof x);
        addresses += sizeof x;
        x += offset;
        for (unsigned i = 0; i < cells.columns; i++, x += cells.step + TC_AVR_CHANNELS) {
            for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
                tc_avr_add(sums + 3 * c, x[c] + 128, *weights++);
            }
        }
    }
#endif
}

/* All channels of one window; `weights` are those of its first cell inside the input. */
TC_AVR_CALLED static void tc_depthwise_avr_cell(const tc_depthwise_avr_t *op, const tc_avr_cells_t *from,
                                                const int8_t *weights, int8_t *to, int8_t *scratch)
{
    /* Local copies, as the compiler must assume that storing outputs changes what pointers refer to. */
    const tc_avr_cells_t cells = *from;
    const uint16_t size = (uint16_t)(op->kernel_height * op->kernel_width * TC_AVR_CHANNELS);
    const uint8_t half = op->half, range = op->range;
    const int8_t smallest = op->smallest;
    const int16_t low = op->low;
    const uint8_t *constants = op->constants;
    uint16_t left_over = op->input_channels;
    uint16_t offset = cells.offset;
    for (;;) {
        tc_depthwise_avr_taps(scratch, constants, cells, offset, weights);
        tc_avr_store((const uint8_t *)scratch, constants + TC_AVR_STARTS, half, low, smallest, range, TC_AVR_CHANNELS,
                     to);
        left_over = (uint16_t)(left_over - TC_AVR_CHANNELS);
        if (left_over == 0) {
            return;
        }
        if (left_over < TC_AVR_CHANNELS) { /* the last block overlaps the one before */
            to -= TC_AVR_CHANNELS - left_over;
            offset = (uint16_t)(offset - (TC_AVR_CHANNELS - left_over));
            left_over = TC_AVR_CHANNELS;
        }
        to += TC_AVR_CHANNELS;
        offset = (uint16_t)(offset + TC_AVR_CHANNELS);
        constants += TC_AVR_CONSTANTS;
        weights += size;
    }
}

/* One output row. */
static void tc_depthwise_avr_row(const tc_depthwise_avr_t *op, const tc_input_t *in, int top, const int8_t *weights,
                                 int8_t *to, int8_t *scratch)
{
    const tc_avr_span_t rows = tc_avr_span(top, (int)op->input_height, op->kernel_height);
    int8_t *to_address = scratch + TC_AVR_STARTS;
    int left = -(int)op->padding_left;
    tc_avr_cells_t cells;
    cells.rows = (uint8_t)(rows.end - rows.begin);
    cells.step = (uint8_t)(op->input_channels - TC_AVR_CHANNELS);
    for (int row = rows.begin; row < rows.end; row++, to_address += sizeof(const int8_t *)) {
        const int8_t *const address = tc_input_row(in, (uint16_t)(top + row));
        memcpy(to_address, &address, sizeof address);
    }
    for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->input_channels) {
        const tc_avr_span_t columns = tc_avr_span(left, (int)op->input_width, op->kernel_width);
        const unsigned skipped = (unsigned)rows.begin * op->kernel_width + columns.begin;
        cells.columns = (uint8_t)(columns.end - columns.begin);
        cells.weights_skip = (uint8_t)((op->kernel_width - cells.columns) * TC_AVR_CHANNELS);
        cells.offset = (uint16_t)((uint16_t)(left + columns.begin) * op->input_channels);
        tc_depthwise_avr_cell(op, &cells, weights + skipped * TC_AVR_CHANNELS, to, scratch);
    }
}

/* Output rows [first, last). Scratch: sums and addresses. */
static void tc_depthwise_avr(const tc_depthwise_avr_t *constants, const tc_input_t *in, const tc_output_t *out,
                             uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_depthwise_avr_t, op, constants);
    TC_FETCH(tc_dense_t, weights, (const tc_dense_t *)op->weights);
    for (uint16_t y = first; y < last; y++) {
        const int top = (int)y * op->stride_height - op->padding_top;
        tc_depthwise_avr_row(op, in, top, weights->values, tc_output_row(out, y), scratch);
    }
}

#endif
