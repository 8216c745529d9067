/* One table for the layer, and an index of 4 bits for each weight. Reads are of whole bytes. */
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

static const int8_t *tc_nibbles_read(const tc_weights_t *weights, size_t first, size_t count, int8_t *buffer)
{
    TC_FETCH(tc_nibbles_t, codec, (const tc_nibbles_t *)weights);
    const uint8_t *from = codec->indices + first / 2;
    const int8_t *const table = codec->table;
    int8_t *to = buffer;
    for (; count >= 8; count -= 8, from += 4, to += 8) { /* a word at a time */
        uint32_t eight;
        TC_COPY(&eight, from, sizeof eight);
        to[0] = tc_nibbles_one(table, eight, 0);
        to[1] = tc_nibbles_one(table, eight, 1);
        to[2] = tc_nibbles_one(table, eight, 2);
        to[3] = tc_nibbles_one(table, eight, 3);
        to[4] = tc_nibbles_one(table, eight, 4);
        to[5] = tc_nibbles_one(table, eight, 5);
        to[6] = tc_nibbles_one(table, eight, 6);
        to[7] = tc_nibbles_one(table, eight, 7);
    }
    for (; count > 0; count -= 2, from++, to += 2) {
        to[0] = tc_nibbles_one(table, TC_READ_U8(from), 0);
        to[1] = tc_nibbles_one(table, TC_READ_U8(from), 1);
    }
    return buffer;
}

#endif
