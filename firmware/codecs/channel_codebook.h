/* Codebooks: one table per channel, all of one length, and an index of 1 to 7 bits per weight. */
#ifndef TINYCOMP_CHANNEL_CODEBOOK_H
#define TINYCOMP_CHANNEL_CODEBOOK_H

#include "divide.h"
#include "tinycomp.h"
#include "unpack.h"

typedef struct {
    tc_weights_t weights;
    const uint8_t *indices;
    const int8_t *tables; /* `entries` per channel */
    uint16_t length;      /* weights per channel */
    uint16_t inverse;     /* with `shift`: division by the length */
    uint8_t shift;
    uint8_t bits;
    uint8_t entries;
} tc_channel_codebook_t;

static __attribute__((unused)) const int8_t *tc_channel_codebook_read(const tc_weights_t *weights, tc_index_t first,
                                                                      size_t count, int8_t *buffer)
{
    TC_FETCH(tc_channel_codebook_t, codec, (const tc_channel_codebook_t *)weights);
    const size_t channel = tc_divide_exactly(first, codec->shift, codec->inverse);
    const int8_t *table = codec->tables + channel * codec->entries;
    for (size_t done = 0; done != count; done += codec->length) {
        tc_unpack(codec->indices, first + done, codec->bits, table, codec->length, buffer + done);
        table += codec->entries;
    }
    return buffer;
}

#endif
