/* A canonical prefix code (Huffman), and the bits that it is read from: the most significant bit of a byte first.
 *
 * Codes of one length are consecutive numbers, and shorter codes come first. So a code is known by its length and its
 * number, and all that decoding needs are the values in the order of their codes and two numbers for each length. */
#ifndef TINYCOMP_PREFIX_CODE_H
#define TINYCOMP_PREFIX_CODE_H

#include "tinycomp.h"

/* Each block of channels begins with a byte. Before the last one, it has `least` bytes and as many more as its entry in
 * `more` says. */
typedef struct {
    tc_weights_t weights;
    const uint8_t *codes;
    const uint8_t *more;
    const int8_t *values;
    const uint16_t
        *lengths; /* for each, the shortest first: its last code, filled up with ones to 16 bits; 16 times what
                                a code is to be lessened by to be the place of its value, plus the length */
    uint16_t least;
    uint16_t size; /* weights a block */
    uint8_t run;   /* logarithm of the zeros that a single bit stands for, where zeros are counted */
} tc_prefix_code_t;

/* The next bits, from the most significant one down, of which `held` are valid. */
typedef struct {
    const uint8_t *from;
    uint32_t window;
    unsigned held;
} tc_bits_t;

/* The bits of the block that begins with the first-th weight. */
static inline tc_bits_t tc_prefix_code_open(const tc_prefix_code_t *code, size_t first)
{
    tc_bits_t bits = {code->codes, 0, 0};
    for (const uint8_t *more = code->more; first != 0; first -= code->size, more++) {
        bits.from += code->least + TC_READ_U8(more);
    }
    return bits;
}

/* Makes it 17 bits at least. Those behind a block's end say nothing. */
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

/* The value of the next code, all of which is held. */
static inline int8_t tc_bits_value(tc_bits_t *bits, const uint16_t *lengths, const int8_t *values)
{
    const unsigned next = (unsigned)(bits->window >> 16);
    while (next > TC_READ_U16(lengths)) {
        lengths += 2;
    }
    const unsigned entry = TC_READ_U16(lengths + 1);
    const unsigned length = entry & 15u;
    tc_bits_drop(bits, length);
    return TC_READ_I8(&values[(next >> (16 - length)) - (entry >> 4)]);
}

#endif
