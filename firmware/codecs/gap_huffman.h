/* Very sparse weights, entropy coded: a Huffman code for the number of zeros before each non-zero weight, another one
 * for the weight.
 *
 * Gaps run channel by channel, or across all channels of a block: then its weights are in the order of all channels'
 * first ones, all second ones, and so on. */
#ifndef TINYCOMP_GAP_HUFFMAN_H
#define TINYCOMP_GAP_HUFFMAN_H

#include "prefix_code.h"
#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const uint8_t *codes;
    const uint8_t *more;
    const int8_t *values;
    const uint16_t *lengths; /* see prefix_code.h; also those of the gaps */
    const uint8_t *gaps;
    const uint16_t *gap_lengths;
    uint16_t least;
    uint16_t size;    /* weights per block */
    uint16_t length;  /* weights per channel */
    uint16_t inverse; /* 65535 / across */
    uint8_t across;   /* interleaved channels; 1: channel by channel */
    uint8_t escape;   /* a gap without a weight after it: the next gap is added to it */
} tc_gap_huffman_t;

static __attribute__((unused)) const int8_t *tc_gap_huffman_read(const tc_weights_t *weights, tc_index_t first,
                                                                 size_t count, int8_t *buffer)
{
    TC_FETCH(tc_gap_huffman_t, code, (const tc_gap_huffman_t *)weights);
    tc_bits_t bits = tc_bits_of_block(code->codes, code->more, code->least, code->size, first);
    const unsigned across = code->across, escape = code->escape;
    const size_t end = across == 1 ? count : code->length;
    size_t place = 0; /* in its channel, or in all of them */
    uint16_t channel = 0;
    memset(buffer, 0, count);
    while (place < end) {
        unsigned gap, steps;
        tc_bits_fill(&bits);
        gap = TC_READ_U8(code->gaps + tc_bits_place(&bits, code->gap_lengths));
        channel = (uint16_t)(channel + gap);
        steps = (unsigned)((channel * (code->inverse + (uint32_t)1)) >> 16); /* channel / across */
        place += steps;
        channel = (uint16_t)(channel - steps * across);
        if (gap != escape && place < end) {
            tc_bits_fill(&bits);
            buffer[channel * (size_t)code->length + place] = tc_bits_value(&bits, code->lengths, code->values);
            if (++channel == across) {
                channel = 0;
                place++;
            }
        }
    }
    return buffer;
}

#endif
