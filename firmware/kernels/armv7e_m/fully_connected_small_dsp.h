/* FULLY_CONNECTED on Armv7E-M, a compact kernel for small layers: one output at a time, two products per SMLAD. Weights
 * are stored output by output, as words (gemm.h); sums start at 256 * bias - 127 * (w0 + w2 of all groups). */
#ifndef TINYCOMP_FULLY_CONNECTED_SMALL_DSP_H
#define TINYCOMP_FULLY_CONNECTED_SMALL_DSP_H

#include "fully_connected_outputs.h"

typedef tc_fully_connected_dsp_t tc_fully_connected_small_dsp_t;

/* Output rows [first, last). Scratch: a vector padded to a multiple of four, if it isn't one. */
static void tc_fully_connected_small_dsp(const tc_fully_connected_small_dsp_t *op, const tc_input_t *in,
                                         const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->input_size) {
            const int8_t *const vector = tc_fully_connected_input(op, from, scratch);
            const int8_t *const end = vector + (op->input_size + 3) / 4 * 4;
            const int8_t *w = tc_weights_read(op->weights, 0, 0, NULL);
            for (unsigned c = 0; c < op->output_size; c++) {
                uint32_t sum = (uint32_t)op->start[c];
                for (const int8_t *four = vector; four != end; four += 4, w += 4) {
                    const uint32_t a = tc_load_word(four), b = tc_load_word(w);
                    sum = tc_smlad(b, tc_sxtb16_odd(a), sum);
                    sum = tc_smlad(tc_sxtb16(b), tc_rev16(a ^ 0x7F007F00u), sum);
                }
                tc_fully_connected_store(op, c, &sum, 1, to++);
            }
        }
    }
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, to += op->output_size) {
            tc_fully_connected_clamp(op, to);
        }
    }
}

#endif
