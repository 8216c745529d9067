/* Initial values of the channels' sums and multipliers, two words per channel: read in place, or packed and unpacked to
 * scratch.
 *
 * They are packed as in channels.h, or merged: a header of four bytes (128 plus the size of the second part of a
 * record; a number of bits; 0; the left shift of the multipliers), then a record per channel of two numbers, lowest
 * bytes first. The first is the multiplier without so many lowest bits, in three bytes; the second has them, below the
 * initial value. */
#ifndef TINYCOMP_FACTORS_H
#define TINYCOMP_FACTORS_H

#include "channels.h"
#include "tinycomp.h"

/* 1: no layer's words are packed. */
#ifndef TC_FACTORS_PLAIN
#define TC_FACTORS_PLAIN 0
#endif

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
    return TC_FACTORS_PLAIN || !packed ? 0 : 2 * sizeof(int32_t) * channels;
}

/* Each number is the last bytes of four: there are always enough bytes before a record. */
static inline void tc_factors_unpack_merged(const uint8_t *packed, size_t first, size_t count, int32_t *to)
{
    const unsigned size = TC_READ_U8(packed) - TC_CHANNELS_APART + 3, down = 8 * (7 - size);
    const unsigned split = TC_READ_U8(&packed[1]), up = TC_READ_U8(&packed[3]);
    const uint8_t *from = &packed[TC_CHANNELS_HEADER + 1 + first * size];
    for (const int32_t *const end = to + 2 * count; to != end; to += 2) {
        const uint32_t high = tc_channels_word(from - 1) >> 8;
        from += size;
        const int32_t both = (int32_t)tc_channels_word(from - 4) >> down;
        to[0] = both >> split;
        to[1] = (int32_t)((high << split | ((uint32_t)both & ((1u << split) - 1))) << up);
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
    if (TC_FACTORS_PLAIN || !packed) {
        return (const int32_t *)factors + 2 * first;
    }
    tc_factors_unpack((const uint8_t *)factors, first, count, words);
    return words;
}

#endif
