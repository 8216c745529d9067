/* Codebook: one table for the layer, and a 4-bit index per weight in far memory. Reads are of pairs. */
#ifndef TINYCOMP_FAR_NIBBLES_H
#define TINYCOMP_FAR_NIBBLES_H

#include "far_memory.h"
#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const tc_far_t *indices;
    const int8_t *table;
} tc_far_nibbles_t;

/* The indices are copied to the buffer's end, and looked up from its start. */
static __attribute__((unused)) const int8_t *tc_far_nibbles_read(const tc_weights_t *weights, tc_index_t first,
                                                                 size_t count, int8_t *buffer)
{
    TC_FETCH(tc_far_nibbles_t, codec, (const tc_far_nibbles_t *)weights);
    int8_t table[16];
    TC_COPY(table, codec->table, sizeof table);
    const size_t pairs = count / 2;
    const uint8_t *from = (const uint8_t *)buffer + pairs;
    int8_t *to = buffer;
    TC_FAR_COPY(buffer + pairs, codec->indices, first / 2, pairs);
    for (const int8_t *const end = buffer + count; to != end; to += 2) {
        const uint8_t two = *from++;
        to[0] = table[two & 15u];
        to[1] = table[two >> 4];
    }
    return buffer;
}

#endif
