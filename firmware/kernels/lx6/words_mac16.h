/* Converts activations and weights to words for gemm_mac16.h. */
#ifndef TINYCOMP_WORDS_MAC16_H
#define TINYCOMP_WORDS_MAC16_H

#include "mac16.h"

/* Expands groups of four activations from an aligned address. Returns the end of the output. */
static inline uint32_t *tc_mac16_activations(const int8_t *from, size_t fours, uint32_t *to)
{
    const uint32_t *four = (const uint32_t *)(const void *)from;
    for (; fours >= 2; fours -= 2, four += 2, to += 4) {
        const uint32_t x = four[0] ^ TC_MAC16_SIGNS, y = four[1] ^ TC_MAC16_SIGNS;
        to[0] = x & TC_MAC16_BYTES;
        to[1] = (x >> 8) & TC_MAC16_BYTES;
        to[2] = y & TC_MAC16_BYTES;
        to[3] = (y >> 8) & TC_MAC16_BYTES;
    }
    if (fours != 0) {
        const uint32_t x = *four ^ TC_MAC16_SIGNS;
        *to++ = x & TC_MAC16_BYTES;
        *to++ = (x >> 8) & TC_MAC16_BYTES;
    }
    return to;
}

/* Expands one activation repeatedly. */
static inline uint32_t *tc_mac16_repeat(int8_t value, size_t fours, uint32_t *to)
{
    const uint32_t x = ((uint8_t)value ^ 0x80u) * 0x00010001u;
    for (; fours > 0; fours--, to += 2) {
        to[0] = x;
        to[1] = x;
    }
    return to;
}

/* Converts decoded weights. */
static inline void tc_mac16_codes(const int8_t *from, size_t fours, uint32_t *to)
{
    const uint32_t *four = (const uint32_t *)(const void *)from;
    for (; fours >= 2; fours -= 2, four += 2, to += 4) {
        const uint32_t x = four[0], y = four[1];
        to[0] = (x & TC_MAC16_BYTES) - TC_MAC16_CODES;
        to[1] = ((x >> 8) & TC_MAC16_BYTES) - TC_MAC16_CODES;
        to[2] = (y & TC_MAC16_BYTES) - TC_MAC16_CODES;
        to[3] = ((y >> 8) & TC_MAC16_BYTES) - TC_MAC16_CODES;
    }
    if (fours != 0) {
        *to++ = (*four & TC_MAC16_BYTES) - TC_MAC16_CODES;
        *to++ = ((*four >> 8) & TC_MAC16_BYTES) - TC_MAC16_CODES;
    }
}

/* Converts uncompressed weights. */
static inline void tc_mac16_weights(const int8_t *from, size_t fours, uint32_t *to)
{
    for (; fours > 0; fours--, from += 4, to += 2) {
        to[0] = ((uint32_t)from[0] & 0xFFFFu) | (uint32_t)from[2] << 16;
        to[1] = ((uint32_t)from[1] & 0xFFFFu) | (uint32_t)from[3] << 16;
    }
}

#endif
