/* Initial values of the channels' sums and multipliers, two words per channel: read in place, or packed and unpacked to
 * scratch.
 *
 * They are packed as in channels.h, or merged: a header of five bytes (128 plus the bits of an initial value; the bits of
 * a multiplier; 0; the left shift of multipliers; how many bits of an initial value are below a multiple of 256), then
 * a record per channel, bit by bit, the lowest first: multiplier, initial value. */
#ifndef TINYCOMP_FACTORS_H
#define TINYCOMP_FACTORS_H

#include "channels.h"
#include "tinycomp.h"

/* 1: no layer's words are packed. */
#ifndef TC_FACTORS_PLAIN
#define TC_FACTORS_PLAIN 0
#endif

/* 1: all layers' words are packed. Small code leaves out the question. */
#ifndef TC_FACTORS_PACKED
#define TC_FACTORS_PACKED 0
#endif
#define TC_FACTORS_ALL (TC_SMALL && TC_FACTORS_PACKED)

/* 1: where words are packed, they are merged; they are not. */
#ifndef TC_FACTORS_MERGED
#define TC_FACTORS_MERGED 0
#endif
#ifndef TC_FACTORS_UNMERGED
#define TC_FACTORS_UNMERGED 0
#endif

/* Bytes of scratch for a number of channels. */
static inline size_t tc_factors_room(unsigned packed, size_t channels)
{
    return TC_FACTORS_PLAIN || (!TC_FACTORS_ALL && !packed) ? 0 : 2 * sizeof(int32_t) * channels;
}

/* 1: all merged initial values are stored as they are; none is. */
#ifndef TC_FACTORS_STORED
#define TC_FACTORS_STORED 0
#endif
#ifndef TC_FACTORS_ESTIMATED
#define TC_FACTORS_ESTIMATED 0
#endif

#define TC_FACTORS_HEADER 5
#define TC_FACTORS_WHOLE 8u /* bits below a multiple of 256: the value is stored as it is */

/* The bits before bit `end` of the records, in the upper bits of a word: there are always enough bytes before them. */
static inline uint32_t tc_factors_bits(const uint8_t *records, size_t end)
{
    return tc_channels_word(records + (end + 7) / 8 - 4) << ((0 - end) & 7u);
}

/* An initial value of which only the bias, a multiple of 256, and so many bits are stored: what is missing follows from
 * the multiplier. */
static inline int32_t tc_factors_value(int32_t stored, unsigned bits, int32_t multiplier)
{
    uint32_t upper = (uint32_t)multiplier;
    if (TC_FACTORS_STORED || (!TC_FACTORS_ESTIMATED && bits == TC_FACTORS_WHOLE)) {
        return stored;
    }
    while ((int32_t)upper > 0) {
        upper <<= 1;
    }
    upper = (((uint32_t)1 << 24) / ((upper >> 16) + 1)) >> 1;
    return (stored >> bits) * 256 + (stored & ((1 << bits) - 1)) + (int32_t)upper - 1;
}

static inline void tc_factors_unpack_merged(const uint8_t *packed, size_t first, size_t count, int32_t *to)
{
    const unsigned wide = TC_READ_U8(packed) - TC_CHANNELS_APART, size = TC_READ_U8(&packed[1]);
    const unsigned up = TC_READ_U8(&packed[3]), bits = TC_READ_U8(&packed[4]);
    size_t at = first * (wide + size);
    packed += TC_FACTORS_HEADER;
    for (const int32_t *const end = to + 2 * count; to != end; to += 2) {
        at += size;
        to[1] = (int32_t)((tc_factors_bits(packed, at) >> (32 - size)) << up);
        at += wide;
        to[0] = tc_factors_value((int32_t)tc_factors_bits(packed, at) >> (32 - wide), bits, to[1]);
    }
}

static __attribute__((noinline, unused)) void tc_factors_unpack(const uint8_t *packed, size_t first, size_t count,
                                                                int32_t *to)
{
    if (TC_FACTORS_MERGED ||
        (!TC_FACTORS_UNMERGED && TC_READ_U8(packed) >= TC_CHANNELS_APART && TC_READ_U8(&packed[2]) == 0)) {
        tc_factors_unpack_merged(packed, first, count, to);
        return;
    }
    tc_channels_t from = tc_channels_from(packed, first);
    for (const int32_t *const end = to + 2 * count; to != end; to += 2) {
        const tc_channel_t channel = tc_channels_next(&from);
        to[0] = (int32_t)((uint32_t)channel.start + channel.low);
        to[1] = channel.multiplier;
    }
}

/* The words of `count` channels from channel `first` on; in `room` if they are packed. */
static inline const int32_t *tc_factors(const void *factors, unsigned packed, size_t first, size_t count, int8_t *room)
{
    int32_t *const words = (int32_t *)(void *)room;
    if (TC_FACTORS_PLAIN || (!TC_FACTORS_ALL && !packed)) {
        return (const int32_t *)factors + 2 * first;
    }
    tc_factors_unpack((const uint8_t *)factors, first, count, words);
    return words;
}

#endif
