/* FULLY_CONNECTED: int8, a single vector, with very sparse weights that are multiplied as they are decoded (see
 * gap_huffman.h). The gaps run output by output, or input by input, with all sums in scratch. */
#ifndef TINYCOMP_FULLY_CONNECTED_GAPS_H
#define TINYCOMP_FULLY_CONNECTED_GAPS_H

#include "channels.h"
#include "fully_connected_output.h"
#include "gap_huffman.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_size, output_size;
    uint8_t by_input;
    int8_t output_zero_point, activation_min, activation_max;
    const tc_weights_t *weights; /* one block */
    const uint8_t *constants;    /* packed: biases with the input zero point folded in, multipliers, shifts */
} tc_fully_connected_gaps_t;

/* The next gap. */
static inline unsigned tc_gaps_next(const tc_gap_huffman_t *code, tc_bits_t *bits)
{
    tc_bits_fill(bits);
    return TC_READ_U8(code->gaps + tc_bits_place(bits, code->gap_lengths));
}

/* The weight after a gap. */
static inline int32_t tc_gaps_weight(const tc_gap_huffman_t *code, tc_bits_t *bits)
{
    tc_bits_fill(bits);
    return tc_bits_value(bits, code->lengths, code->values);
}

static inline int8_t tc_gaps_int8(const tc_fully_connected_gaps_t *op, tc_channel_t channel, int32_t sum)
{
    const tc_dense_output_t output = {op->output_zero_point, op->activation_min, op->activation_max};
    return tc_dense_int8((int64_t)sum * channel.multiplier, 31 - (int8_t)channel.low, output);
}

/* A weight is at `place` of its output's weights; positions after their end belong to the next output. */
static void tc_gaps_by_output(const tc_fully_connected_gaps_t *op, const tc_gap_huffman_t *code, const int8_t *x,
                              int8_t *to)
{
    tc_bits_t bits = {code->codes, 0, 0};
    tc_channels_t channels = tc_channels_from(op->constants, 0);
    tc_channel_t channel = tc_channels_next(&channels);
    const int8_t *const last = to + op->output_size - 1;
    int32_t sum = channel.start;
    size_t place = 0;
    for (;;) {
        const unsigned gap = tc_gaps_next(code, &bits);
        place += gap;
        for (; place >= op->input_size; place -= op->input_size) {
            *to = tc_gaps_int8(op, channel, sum);
            if (to++ == last) {
                return;
            }
            channel = tc_channels_next(&channels);
            sum = channel.start;
        }
        if (gap != code->escape) {
            sum += x[place++] * tc_gaps_weight(code, &bits);
        }
    }
}

/* Adds all products to the sums. */
static void tc_gaps_sums(const tc_fully_connected_gaps_t *op, const tc_gap_huffman_t *code, const int8_t *x,
                         int32_t *sums)
{
    tc_bits_t bits = {code->codes, 0, 0};
    const int8_t *const end = x + op->input_size;
    size_t place = 0;
    for (;;) {
        const unsigned gap = tc_gaps_next(code, &bits);
        place += gap;
        for (; place >= op->output_size; place -= op->output_size) {
            if (++x == end) {
                return;
            }
        }
        if (gap != code->escape) {
            sums[place++] += *x * tc_gaps_weight(code, &bits);
        }
    }
}

static void tc_gaps_by_input(const tc_fully_connected_gaps_t *op, const tc_gap_huffman_t *code, const int8_t *x,
                             int8_t *to, int32_t *sums)
{
    tc_channels_t channels = tc_channels_from(op->constants, 0);
    for (unsigned c = 0; c < op->output_size; c++) {
        sums[c] = tc_channels_next(&channels).start;
    }
    tc_gaps_sums(op, code, x, sums);
    channels = tc_channels_from(op->constants, 0);
    for (unsigned c = 0; c < op->output_size; c++) {
        to[c] = tc_gaps_int8(op, tc_channels_next(&channels), sums[c]);
    }
}

/* Output rows [first, last). Scratch: if gaps run by input, a word per output. */
static void tc_fully_connected_gaps(const tc_fully_connected_gaps_t *constants, const tc_input_t *in,
                                    const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_fully_connected_gaps_t, op, constants);
    TC_FETCH(tc_gap_huffman_t, code, (const tc_gap_huffman_t *)op->weights);
    for (uint16_t y = first; y < last; y++) {
        if (op->by_input) {
            tc_gaps_by_input(op, code, tc_input_row(in, y), tc_output_row(out, y), (int32_t *)(void *)scratch);
        } else {
            tc_gaps_by_output(op, code, tc_input_row(in, y), tc_output_row(out, y));
        }
    }
}

#endif
