/* FULLY_CONNECTED on Armv7E-M with 4-bit codebooks, a compact kernel for small layers: one output at a time, two
 * products per look-up in a table of all pairs of weights (pair_table.h). Weights are stored output by output, by
 * groups of four inputs: the indices of w0, w2, w1, w3. */
#ifndef TINYCOMP_FULLY_CONNECTED_SMALL_CODEBOOK_DSP_H
#define TINYCOMP_FULLY_CONNECTED_SMALL_CODEBOOK_DSP_H

#include "fully_connected_outputs.h"
#include "pair_table.h"

typedef tc_fully_connected_dsp_t tc_fully_connected_small_codebook_dsp_t;

/* Output rows [first, last). Scratch: the table of pairs (1024 bytes), then a vector padded to a multiple of four, if
 * it isn't one. */
static void tc_fully_connected_small_codebook_dsp(const tc_fully_connected_small_codebook_dsp_t *op,
                                                  const tc_input_t *in, const tc_output_t *out, uint16_t first,
                                                  uint16_t last, int8_t *scratch)
{
    uint32_t *const pairs = (uint32_t *)(void *)scratch;
    tc_pair_table_fill(op->weights, pairs);
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->input_size, to += op->output_size) {
            const int8_t *const vector = tc_fully_connected_input(op, from, (int8_t *)(pairs + TC_PAIR_TABLE));
            const int8_t *const end = vector + (op->input_size + 3) / 4 * 4;
            const uint8_t *index = (const uint8_t *)tc_pair_table_indices(op->weights);
            for (unsigned c = 0; c < op->output_size; c++) {
                uint32_t sum = (uint32_t)op->start[c];
                for (const int8_t *four = vector; four != end; four += 4, index += 2) {
                    const uint32_t a = tc_load_word(four);
                    sum = tc_smlad(pairs[index[0]], tc_sxtb16(a), sum);
                    sum = tc_smlad(pairs[index[1]], tc_sxtb16_odd(a), sum);
                }
                tc_fully_connected_store(op, c, &sum, 1, to + c);
            }
            tc_fully_connected_clamp(op, to);
        }
    }
}

#endif
