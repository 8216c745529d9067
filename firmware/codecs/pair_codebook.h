/* Codebook: one table for the layer, and a 4-bit index per weight. Two weights are decoded at a time, as two bytes or
 * as a word 256 * w1 + w0, in which a negative w0 borrows from w1.
 *
 * The buffer begins with a table of all pairs, 512 bytes; a read of 0 weights fills it for the following reads. Reads
 * are in groups of four weights. */
#ifndef TINYCOMP_PAIR_CODEBOOK_H
#define TINYCOMP_PAIR_CODEBOOK_H

#include "tinycomp.h"

#define TC_PAIR_CODEBOOK_ENTRIES 16

typedef struct {
    tc_weights_t weights;
    const uint8_t *indices;
    const int8_t *table;
    uint16_t mask; /* applied to w0 before the addition: 0xFF for bytes, 0xFFFF for words */
} tc_pair_codebook_t;

/* Fills the table of pairs, for four lower weights at a time. */
static void tc_pair_codebook_fill(const int8_t *table, unsigned mask, uint16_t *pairs)
{
    for (unsigned low = 0; low < TC_PAIR_CODEBOOK_ENTRIES; low += 4, pairs += 4) {
        const unsigned l0 = (unsigned)TC_READ_I8(&table[low]) & mask, l1 = (unsigned)TC_READ_I8(&table[low + 1]) & mask;
        const unsigned l2 = (unsigned)TC_READ_I8(&table[low + 2]) & mask,
                       l3 = (unsigned)TC_READ_I8(&table[low + 3]) & mask;
        uint16_t *to = pairs;
        for (unsigned high = 0; high < TC_PAIR_CODEBOOK_ENTRIES; high++, to += TC_PAIR_CODEBOOK_ENTRIES) {
            const unsigned upper = (unsigned)TC_READ_I8(&table[high]) << 8;
            to[0] = (uint16_t)(l0 + upper);
            to[1] = (uint16_t)(l1 + upper);
            to[2] = (uint16_t)(l2 + upper);
            to[3] = (uint16_t)(l3 + upper);
        }
    }
}

/* Four weights from two bytes, as one word. */
static inline uint32_t tc_pair_codebook_four(const uint16_t *pairs, const uint8_t *from)
{
    return pairs[TC_READ_U8(&from[0])] | (uint32_t)pairs[TC_READ_U8(&from[1])] << 16;
}

static __attribute__((unused)) const int8_t *tc_pair_codebook_read(const tc_weights_t *weights, tc_index_t first,
                                                                   size_t count, int8_t *buffer)
{
    TC_FETCH(tc_pair_codebook_t, codec, (const tc_pair_codebook_t *)weights);
    uint16_t *const pairs = (uint16_t *)(void *)buffer;
    uint32_t *const words = (uint32_t *)(void *)(pairs + TC_PAIR_CODEBOOK_ENTRIES * TC_PAIR_CODEBOOK_ENTRIES);
    uint32_t *to = words;
    const uint8_t *from = codec->indices + first / 2;
    if (count == 0) {
        tc_pair_codebook_fill(codec->table, codec->mask, pairs);
    }
    for (; count >= 16; count -= 16, to += 4, from += 8) {
        const uint32_t a = tc_pair_codebook_four(pairs, from), b = tc_pair_codebook_four(pairs, from + 2);
        const uint32_t c = tc_pair_codebook_four(pairs, from + 4), d = tc_pair_codebook_four(pairs, from + 6);
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    for (; count > 0; count -= 4, from += 2) {
        *to++ = tc_pair_codebook_four(pairs, from);
    }
    return (const int8_t *)words;
}

#endif
