/* Weights as 32-bit words: read in place, or copied where constants are in program memory. Reads are in whole words. */
#ifndef TINYCOMP_WORDS_CODEC_H
#define TINYCOMP_WORDS_CODEC_H

#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const uint32_t *values;
} tc_words_t;

static __attribute__((unused)) const int8_t *tc_words_read(const tc_weights_t *weights, tc_index_t first, size_t count,
                                                           int8_t *buffer)
{
    TC_FETCH(tc_words_t, codec, (const tc_words_t *)weights);
    const uint32_t *const values = codec->values + first / 4;
#if TC_CONSTANTS_IN_PROGRAM_MEMORY
    TC_COPY(buffer, values, count);
    return buffer;
#else
    (void)count;
    (void)buffer;
    return (const int8_t *)(const void *)values;
#endif
}

#endif
