/* MEAN on Armv7E-M: the portable kernel's start and end, with sums of four channels per word. */
#ifndef TINYCOMP_MEAN_DSP_H
#define TINYCOMP_MEAN_DSP_H

#include "dsp.h"
#include "mean.h"

typedef tc_mean_t tc_mean_dsp_t;

#define TC_MEAN_DSP_MOST 256u /* cells with sums of 16 bits */

/* Adds up to TC_MEAN_DSP_MOST cells of four channels, of rows of cells `step` bytes apart. */
static inline void tc_mean_dsp_word(const int8_t *cell, size_t width, size_t step, int32_t *sums)
{
    uint32_t even = 0, odd = 0;
    for (; width > 0; width--, cell += step) {
        const uint32_t four = tc_load_word(cell);
        even = tc_sxtab16(even, four);
        odd = tc_sxtab16_odd(odd, four);
    }
    sums[0] += (int16_t)even;
    sums[1] += (int16_t)odd;
    sums[2] += (int32_t)even >> 16;
    sums[3] += (int32_t)odd >> 16;
}

/* Adds `width` cells of `channels` channels. */
static inline void tc_mean_dsp_row(const int8_t *cells, size_t width, size_t channels, int32_t *sums)
{
    while (width > 0) {
        const size_t part = width < TC_MEAN_DSP_MOST ? width : TC_MEAN_DSP_MOST;
        const size_t whole = channels - channels % 4;
        for (size_t c = 0; c < whole; c += 4) {
            tc_mean_dsp_word(cells + c, part, channels, sums + c);
        }
        for (size_t c = whole; c < channels; c++) {
            for (size_t i = 0; i < part; i++) {
                sums[c] += cells[i * channels + c];
            }
        }
        cells += part * channels;
        width -= part;
    }
}

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x 4
 * bytes, aligned for int32_t. */
static void tc_mean_dsp(const tc_mean_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                        uint16_t last, int8_t *scratch)
{
    tc_mean(op, in, out, first, first, scratch);
    for (uint16_t y = first; y < last; y++) {
        tc_mean_dsp_row(tc_input_row(in, y), op->width, op->channels, (int32_t *)(void *)scratch);
    }
    tc_mean(op, in, out, last, last, scratch);
}

#endif
