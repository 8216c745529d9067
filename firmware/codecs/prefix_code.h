/* A canonical prefix (Huffman) code and its bit reader, most significant bit first.
 *
 * Codes of one length are consecutive numbers, shorter codes come first. So decoding only needs the values in code
 * order and two numbers per length. */
#ifndef TINYCOMP_PREFIX_CODE_H
#define TINYCOMP_PREFIX_CODE_H

#include "tinycomp.h"

/* Each block of channels begins at a byte. Every block but the last has `least` bytes plus its entry in `more`. */
typedef struct {
    tc_weights_t weights;
    const uint8_t *codes;
    const uint8_t *more;
    const int8_t *values;
    const uint16_t
        *lengths; /* per length, the shortest first: its last code, left-aligned in 16 bits and filled with ones;
                                then 16 * (code - index of its value in `values`) + length */
    uint16_t least;
    uint16_t size; /* weights per block */
    uint8_t run;   /* Rice parameter of runs of zeros: a single bit stands for 2^run zeros */
} tc_prefix_code_t;

/* The next bits, from the most significant one down; `held` of them are valid. */
typedef struct {
    const uint8_t *from;
    uint32_t window;
    unsigned held;
} tc_bits_t;

/* The bits of the block whose first weight has index `first`; blocks have `size` weights each. */
static inline tc_bits_t tc_bits_of_block(const uint8_t *codes, const uint8_t *more, unsigned least, size_t size,
                                         tc_index_t first)
{
    tc_bits_t bits = {codes, 0, 0};
    for (; first != 0; first -= size, more++) {
        bits.from += least + TC_READ_U8(more);
    }
    return bits;
}

static inline tc_bits_t tc_prefix_code_open(const tc_prefix_code_t *code, tc_index_t first)
{
    return tc_bits_of_block(code->codes, code->more, code->least, code->size, first);
}

/* Refills to at least 17 bits. Bits after a block's end have no meaning. */
static inline void tc_bits_fill(tc_bits_t *bits)
{
    if (bits->held <= 16) {
        const uint32_t two = (uint32_t)TC_READ_U8(bits->from) << 8 | TC_READ_U8(bits->from + 1);
        bits->window |= two << (16 - bits->held);
        bits->held += 16;
        bits->from += 2;
    }
}

static inline void tc_bits_drop(tc_bits_t *bits, unsigned count)
{
    bits->window <<= count;
    bits->held -= count;
}

/* The next code's place among all codes; it must be held completely. */
static inline unsigned tc_bits_place(tc_bits_t *bits, const uint16_t *lengths)
{
    const unsigned next = (unsigned)(bits->window >> 16);
    while (next > TC_READ_U16(lengths)) {
        lengths += 2;
    }
    const unsigned entry = TC_READ_U16(lengths + 1);
    const unsigned length = entry & 15u;
    tc_bits_drop(bits, length);
    return (next >> (16 - length)) - (entry >> 4);
}

/* The next code's value. */
static inline int8_t tc_bits_value(tc_bits_t *bits, const uint16_t *lengths, const int8_t *values)
{
    return TC_READ_I8(&values[tc_bits_place(bits, lengths)]);
}

#endif
