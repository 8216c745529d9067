/* Codebook: one table for the layer, and a 4-bit index per weight. Reads are in groups of four weights. */
#ifndef TINYCOMP_NIBBLES_H
#define TINYCOMP_NIBBLES_H

#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const uint8_t *indices;
    const int8_t *table;
} tc_nibbles_t;

static inline void tc_nibbles_four(const int8_t *table, uint32_t indices, int8_t *to)
{
    to[0] = TC_READ_I8(&table[indices & 15u]);
    to[1] = TC_READ_I8(&table[indices >> 4 & 15u]);
    to[2] = TC_READ_I8(&table[indices >> 8 & 15u]);
    to[3] = TC_READ_I8(&table[indices >> 12 & 15u]);
}

static __attribute__((unused)) const int8_t *tc_nibbles_read(const tc_weights_t *weights, tc_index_t first,
                                                             size_t count, int8_t *buffer)
{
    TC_FETCH(tc_nibbles_t, codec, (const tc_nibbles_t *)weights);
    const uint8_t *from = codec->indices + first / 2;
    const int8_t *const table = codec->table;
    int8_t *to = buffer;
#if TC_SMALL
    for (; count != 0; count -= 4, to += 4, from += 2) {
        tc_nibbles_four(table, TC_READ_U8(from) | (uint32_t)TC_READ_U8(from + 1) << 8, to);
    }
#else
    for (; count >= 8; count -= 8, to += 8, from += 4) {
        uint32_t eight;
        TC_COPY(&eight, from, sizeof eight);
        tc_nibbles_four(table, eight, to);
        tc_nibbles_four(table, eight >> 16, to + 4);
    }
    if (count != 0) {
        uint16_t four;
        TC_COPY(&four, from, sizeof four);
        tc_nibbles_four(table, four, to);
    }
#endif
    return buffer;
}

#endif
