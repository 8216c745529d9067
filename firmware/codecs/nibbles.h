/* One table for the layer, and an index of 4 bits for each weight. Reads are of groups of four weights. */
#ifndef TINYCOMP_NIBBLES_H
#define TINYCOMP_NIBBLES_H

#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const uint8_t *indices;
    const int8_t *table;
} tc_nibbles_t;

static inline int8_t tc_nibbles_one(const int8_t *table, uint32_t indices, unsigned place)
{
    return TC_READ_I8(&table[indices >> (4 * place) & 15u]);
}

static __attribute__((unused)) const int8_t *tc_nibbles_read(const tc_weights_t *weights, size_t first, size_t count,
                                                             int8_t *buffer)
{
    TC_FETCH(tc_nibbles_t, codec, (const tc_nibbles_t *)weights);
    const uint8_t *from = codec->indices + first / 2;
    const int8_t *const table = codec->table;
    for (int8_t *to = buffer, *const end = buffer + count; to != end; to += 4, from += 2) {
        uint16_t four;
        TC_COPY(&four, from, sizeof four);
        to[0] = tc_nibbles_one(table, four, 0);
        to[1] = tc_nibbles_one(table, four, 1);
        to[2] = tc_nibbles_one(table, four, 2);
        to[3] = tc_nibbles_one(table, four, 3);
    }
    return buffer;
}

#endif
