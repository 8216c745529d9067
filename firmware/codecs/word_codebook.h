/* One table for the layer, and an index of 4 bits for each weight; weights come as words 256 * w1 + w0, of two bytes, for
 * two indices each.
 *
 * The buffer begins with a table of all pairs, 512 bytes, which the read that starts at the first weight fills for the
 * ones that follow. Reads are of whole groups of eight weights. */
#ifndef TINYCOMP_WORD_CODEBOOK_H
#define TINYCOMP_WORD_CODEBOOK_H

#include "tinycomp.h"

#define TC_WORD_CODEBOOK_ENTRIES 16

typedef struct {
    tc_weights_t weights;
    const uint8_t *indices;
    const int8_t *table;
} tc_word_codebook_t;

/* All pairs; four lower weights at a time. */
static void tc_word_codebook_pairs(const int8_t *table, uint16_t *pairs)
{
    for (unsigned low = 0; low < TC_WORD_CODEBOOK_ENTRIES; low += 4, pairs += 4) {
        const int l0 = TC_READ_I8(&table[low]), l1 = TC_READ_I8(&table[low + 1]);
        const int l2 = TC_READ_I8(&table[low + 2]), l3 = TC_READ_I8(&table[low + 3]);
        uint16_t *to = pairs;
        for (unsigned high = 0; high < TC_WORD_CODEBOOK_ENTRIES; high++, to += TC_WORD_CODEBOOK_ENTRIES) {
            const int upper = 256 * TC_READ_I8(&table[high]);
            to[0] = (uint16_t)(l0 + upper);
            to[1] = (uint16_t)(l1 + upper);
            to[2] = (uint16_t)(l2 + upper);
            to[3] = (uint16_t)(l3 + upper);
        }
    }
}

static const int8_t *tc_word_codebook_read(const tc_weights_t *weights, size_t first, size_t count, int8_t *buffer)
{
    TC_FETCH(tc_word_codebook_t, codec, (const tc_word_codebook_t *)weights);
    uint16_t *const pairs = (uint16_t *)(void *)buffer;
    uint32_t *const words = (uint32_t *)(void *)(pairs + TC_WORD_CODEBOOK_ENTRIES * TC_WORD_CODEBOOK_ENTRIES);
    const uint8_t *from = codec->indices + first / 2;
    if (first == 0) {
        tc_word_codebook_pairs(codec->table, pairs);
    }
    for (uint32_t *to = words, *const end = words + count / 4; to != end; to += 2, from += 4) {
        uint32_t low = pairs[TC_READ_U8(&from[0])], high = pairs[TC_READ_U8(&from[2])];
        low |= (uint32_t)pairs[TC_READ_U8(&from[1])] << 16;
        high |= (uint32_t)pairs[TC_READ_U8(&from[3])] << 16;
        to[0] = low;
        to[1] = high;
    }
    return (const int8_t *)words;
}

#endif
