/* Huffman codes, one per weight. */
#ifndef TINYCOMP_HUFFMAN_H
#define TINYCOMP_HUFFMAN_H

#include "prefix_code.h"
#include "tinycomp.h"

typedef tc_prefix_code_t tc_huffman_t;

static __attribute__((unused)) const int8_t *tc_huffman_read(const tc_weights_t *weights, tc_index_t first,
                                                             size_t count, int8_t *buffer)
{
    TC_FETCH(tc_huffman_t, code, (const tc_huffman_t *)weights);
    tc_bits_t bits = tc_prefix_code_open(code, first);
    const uint16_t *const lengths = code->lengths;
    const int8_t *const values = code->values;
    const int8_t *const end = buffer + count;
    for (int8_t *to = buffer; to != end; to++) {
        tc_bits_fill(&bits);
        *to = tc_bits_value(&bits, lengths, values);
    }
    return buffer;
}

#endif
