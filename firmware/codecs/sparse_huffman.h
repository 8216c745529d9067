/* The zeros before each non-zero weight by a Rice code, that weight by its Huffman code. */
#ifndef TINYCOMP_SPARSE_HUFFMAN_H
#define TINYCOMP_SPARSE_HUFFMAN_H

#include "prefix_code.h"
#include "tinycomp.h"

typedef tc_prefix_code_t tc_sparse_huffman_t;

/* A bit 0 stands for 2^run zeros, or as many as are left. Behind a bit 1 come `run` bits, which count the zeros before
 * a non-zero weight, and that weight's code. */
static __attribute__((unused)) const int8_t *tc_sparse_huffman_read(const tc_weights_t *weights, size_t first,
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
