/* Sparse weights, entropy coded: a Rice code for the run of zeros before each non-zero weight, a Huffman code for the
 * weight. */
#ifndef TINYCOMP_SPARSE_HUFFMAN_H
#define TINYCOMP_SPARSE_HUFFMAN_H

#include "prefix_code.h"
#include "tinycomp.h"

typedef tc_prefix_code_t tc_sparse_huffman_t;

/* A 0 bit stands for 2^run zeros, or for all that are left. A 1 bit is followed by `run` bits, the number of zeros
 * before the next non-zero weight, and that weight's code. */
static __attribute__((unused)) const int8_t *tc_sparse_huffman_read(const tc_weights_t *weights, tc_index_t first,
                                                                    size_t count, int8_t *buffer)
{
    TC_FETCH(tc_sparse_huffman_t, code, (const tc_sparse_huffman_t *)weights);
    tc_bits_t bits = tc_prefix_code_open(code, first);
    const uint16_t *const lengths = code->lengths;
    const int8_t *const values = code->values;
    const unsigned run = code->run;
    memset(buffer, 0, count);
    for (size_t place = 0; place < count;) {
        tc_bits_fill(&bits);
        if ((bits.window & 0x80000000u) == 0) {
            tc_bits_drop(&bits, 1);
            place += (size_t)1 << run;
        } else {
            place += (size_t)((bits.window & 0x7FFFFFFFu) >> (31 - run));
            tc_bits_drop(&bits, 1 + run);
            buffer[place++] = tc_bits_value(&bits, lengths, values);
        }
    }
    return buffer;
}

#endif
