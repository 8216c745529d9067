/* AVERAGE_POOL_2D with one window over the whole input on Armv7E-M, for a multiple of four channels and so few cells
 * that sums fit into 16 bits. The sums of a group of four are stored as channels 0 and 2, then 1 and 3. */
#ifndef TINYCOMP_AVERAGE_POOL_GLOBAL_DSP_H
#define TINYCOMP_AVERAGE_POOL_GLOBAL_DSP_H

#include "average_pool_global.h"
#include "dsp.h"

typedef tc_average_pool_global_t tc_average_pool_global_dsp_t;

/* Takes input rows [first, last), in order; the call that takes the last one writes the output. scratch: channels x 2
 * bytes, aligned for uint32_t. */
static void tc_average_pool_global_dsp(const tc_average_pool_global_dsp_t *op, const tc_input_t *in,
                                       const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    uint32_t *const sums = (uint32_t *)(void *)scratch;
    const size_t channels = op->channels;
    if (first == 0) {
        tc_fill(sums, 0, channels * sizeof(int16_t));
    }
    for (uint16_t y = first; y < last; y++) {
        const int8_t *const row = tc_input_row(in, y);
        for (size_t c = 0; c < channels; c += 4) {
            const int8_t *cell = &row[c], *const end = &cell[op->width * channels];
            uint32_t even = sums[c / 2], odd = sums[c / 2 + 1];
            for (; cell != end; cell += channels) {
                const uint32_t four = tc_load_word(cell);
                even = tc_sxtab16(even, four);
                odd = tc_sxtab16_odd(odd, four);
            }
            sums[c / 2] = even;
            sums[c / 2 + 1] = odd;
        }
    }
    if (last == op->height) {
        int8_t *to = tc_output_row(out, 0);
        for (size_t c = 0; c < channels; c++) {
            const uint32_t two = sums[c / 4 * 2 + c % 2];
            *to++ = tc_average_pool_mean(op, (int16_t)(two >> (c % 4 / 2 * 16)));
        }
    }
}

#endif
