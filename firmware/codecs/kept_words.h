/* Blocks of zeros that kernels skip: the words of four weights that are not all zero, and a bit per word. */
#ifndef TINYCOMP_KEPT_WORDS_H
#define TINYCOMP_KEPT_WORDS_H

#include "tinycomp.h"

#define TC_KEPT_WORDS_UNIT 16 /* bits that are loaded together; each channel begins with new ones */

typedef struct {
    tc_weights_t weights;
    const int8_t *words;
    const uint16_t *kept; /* the highest bit is the first word */
    uint16_t length;      /* words per channel */
} tc_kept_words_t;

/* Walks all words up to the last one; a kernel reads the stored form itself. */
static __attribute__((unused)) const int8_t *tc_kept_words_read(const tc_weights_t *weights, tc_index_t first,
                                                                size_t count, int8_t *buffer)
{
    TC_FETCH(tc_kept_words_t, codec, (const tc_kept_words_t *)weights);
    const int8_t *words = codec->words;
    const uint16_t *kept = codec->kept;
    uint16_t left = codec->length;
    unsigned held = 0, bits = 0;
    for (tc_index_t i = 0; i < first + count; i += 4) {
        if (held == 0) {
            bits = TC_READ_U16(kept);
            kept++;
            held = left < TC_KEPT_WORDS_UNIT ? left : TC_KEPT_WORDS_UNIT;
            left = (uint16_t)(left - held);
            left = left == 0 ? codec->length : left;
        }
        if (i >= first) {
            memset(&buffer[i - first], 0, 4);
        }
        if ((bits & 0x8000u) != 0) {
            if (i >= first) {
                TC_COPY(&buffer[i - first], words, 4);
            }
            words += 4;
        }
        bits <<= 1;
        held--;
    }
    return buffer;
}

#endif
