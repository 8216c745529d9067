/* Initial values of the channels' sums and multipliers, two words per channel: read in place, or packed (channels.h)
 * and unpacked to scratch. */
#ifndef TINYCOMP_FACTORS_H
#define TINYCOMP_FACTORS_H

#include "channels.h"
#include "tinycomp.h"

/* 1: no layer's words are packed. */
#ifndef TC_FACTORS_PLAIN
#define TC_FACTORS_PLAIN 0
#endif

/* Bytes of scratch for a number of channels. */
static inline size_t tc_factors_room(unsigned packed, size_t channels)
{
    return TC_FACTORS_PLAIN || !packed ? 0 : 2 * sizeof(int32_t) * channels;
}

static __attribute__((noinline, unused)) void tc_factors_unpack(const uint8_t *packed, size_t first, size_t count,
                                                                int32_t *to)
{
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
