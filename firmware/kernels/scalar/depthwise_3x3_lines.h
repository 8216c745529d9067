/* Depthwise convolution of 3 x 3 cells on cores that multiply one pair of numbers at a time: what its kernels share.
 *
 * A line is the outputs of one channel in one row. Its cells are walked column by column; each is loaded once and
 * multiplied with the three weights of its row, for the three outputs whose windows it lies in. Beyond the left and right
 * border cells hold the zero point; a row beyond the upper or lower one goes into the bias, and has weights of zero. */
#ifndef TINYCOMP_DEPTHWISE_3X3_LINES_H
#define TINYCOMP_DEPTHWISE_3X3_LINES_H

#include "requantize.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_WEIGHTS 9

typedef struct {
    uint16_t input_height, channels;
    uint16_t block;          /* channels whose weights are read together */
    uint16_t inside, beyond; /* outputs of a row whose last column lies inside the input; those after them */
    uint8_t stride_height;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *factors; /* of each channel: what sums start at * 32 + right shift + 1, and the multiplier */
} tc_depthwise_3x3_t;

typedef struct {
    const int8_t *row[3]; /* where the channel lies in the first cell of each row */
    const int8_t *weights;
    const int32_t *factors;
    int8_t *out;
} tc_depthwise_line_t;

/* A line, and those of the channels after it. */
typedef void (*tc_depthwise_lines_t)(const tc_depthwise_3x3_t *op, tc_depthwise_line_t line, unsigned count);

static inline tc_scalar_scale_t tc_depthwise_scale(const tc_depthwise_3x3_t *op, const int32_t *factors)
{
    return tc_scalar_scale(tc_scalar_output(op->output_zero_point, op->activation_min, op->activation_max), factors);
}

/* The rows of output row y, from a channel on. Returns which are beyond a border, a bit each: those stand for one that
 * is not. */
static unsigned tc_depthwise_rows(const tc_depthwise_3x3_t *op, const tc_input_t *in, uint16_t y, size_t channel,
                                  const int8_t **rows)
{
    const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    unsigned beyond = 0;
    for (int k = 0; k < 3; k++) {
        int32_t row = top + k;
        if (row < 0 || row >= op->input_height) {
            row = row < 0 ? 0 : op->input_height - 1;
            beyond |= 1u << k;
        }
        rows[k] = tc_input_row(in, (uint16_t)row) + channel;
    }
    return beyond;
}

static inline void tc_depthwise_next(tc_depthwise_line_t *line)
{
    line->row[0]++;
    line->row[1]++;
    line->row[2]++;
    line->weights += TC_DEPTHWISE_WEIGHTS;
    line->factors += 2;
    line->out++;
}

/* Lines of which some rows are beyond a border. */
static void tc_depthwise_cut_lines(const tc_depthwise_3x3_t *op, tc_depthwise_line_t line, unsigned count,
                                   unsigned beyond, tc_depthwise_lines_t lines)
{
    const int32_t zero_point = op->input_zero_point;
    for (; count > 0; count--) {
        int8_t weights[TC_DEPTHWISE_WEIGHTS];
        int32_t factors[2];
        tc_depthwise_line_t cut = line;
        factors[0] = line.factors[0];
        factors[1] = line.factors[1];
        for (unsigned i = 0; i < TC_DEPTHWISE_WEIGHTS; i++) {
            const int outside = (beyond >> (i / 3)) & 1;
            factors[0] += outside ? 32 * zero_point * line.weights[i] : 0;
            weights[i] = outside ? 0 : line.weights[i];
        }
        cut.weights = weights;
        cut.factors = factors;
        lines(op, cut, 1);
        tc_depthwise_next(&line);
    }
}

/* Output rows [first, last). Scratch: the weights of a block, where those are decoded. */
static __attribute__((noinline)) void tc_depthwise_3x3(const tc_depthwise_3x3_t *op, const tc_input_t *in,
                                                       const tc_output_t *out, uint16_t first, uint16_t last,
                                                       int8_t *scratch, tc_depthwise_lines_t lines)
{
    unsigned count;
    for (size_t channel = 0; channel < op->channels; channel += count) {
        const size_t rest = op->channels - channel;
        tc_depthwise_line_t line;
        count = rest < op->block ? (unsigned)rest : op->block;
        line.weights = tc_weights_read(op->weights, channel * TC_DEPTHWISE_WEIGHTS,
                                       (size_t)count * TC_DEPTHWISE_WEIGHTS, scratch);
        line.factors = op->factors + 2 * channel;
        for (uint16_t y = first; y < last; y++) {
            const unsigned beyond = tc_depthwise_rows(op, in, y, channel, line.row);
            line.out = tc_output_row(out, y) + channel;
            if (beyond == 0) {
                lines(op, line, count);
            } else {
                tc_depthwise_cut_lines(op, line, count, beyond, lines);
            }
        }
    }
}

#endif
