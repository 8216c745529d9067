/* Packed constants of output channels: initial values of the sums, and factors.
 *
 * A header of three bytes: the size of a start, plus 128 if the small numbers are in the records; its left shift; the
 * number of shared factors, 0 if each channel has its own. Then the shared factors, five bytes each: a small number,
 * and the multiplier, lowest byte first. Then a record per channel: the index of its factor if several are shared, or
 * the factor itself if none is; the small number, if it is here; the start. */
#ifndef TINYCOMP_CHANNELS_H
#define TINYCOMP_CHANNELS_H

#include "tinycomp.h"

/* Whether all layers have one factor for all of their channels. */
#ifndef TC_CHANNELS_SINGLE
#define TC_CHANNELS_SINGLE 0
#endif

#define TC_CHANNELS_HEADER 3
#define TC_CHANNELS_FACTOR 5
#define TC_CHANNELS_APART 128

/* The next channel's record, and its format. */
typedef struct {
    const uint8_t *record, *factors;
    unsigned size;    /* of a record */
    unsigned indexed; /* 1: it begins with an index; 0: all channels have the first factor */
    int own;          /* 1: it begins with the factor */
    int apart;        /* 1: it has the small number, before the start or after the index */
    unsigned up, down;
} tc_channels_t;

typedef struct {
    int32_t start, multiplier;
    uint8_t low;
} tc_channel_t;

/* Four bytes, the lowest first. */
static inline uint32_t tc_channels_word(const uint8_t *from)
{
#if defined(__AVR__)
    return TC_READ_U32((const uint32_t *)(const void *)from);
#elif defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
#else
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
#endif
}

/* Begins reading at a channel. */
static inline tc_channels_t tc_channels_from(const uint8_t *packed, size_t channel)
{
    tc_channels_t channels;
    const unsigned first = TC_READ_U8(packed), shared = TC_CHANNELS_SINGLE ? 1 : TC_READ_U8(packed + 2);
    const unsigned width = first % TC_CHANNELS_APART;
    channels.factors = &packed[TC_CHANNELS_HEADER];
    channels.own = shared == 0;
    channels.indexed = shared > 1;
    channels.apart = first >= TC_CHANNELS_APART;
    channels.size = width + (shared == 0 ? TC_CHANNELS_FACTOR : channels.indexed + (first >= TC_CHANNELS_APART));
    channels.record = channels.factors + TC_CHANNELS_FACTOR * shared + channel * channels.size;
    channels.up = TC_READ_U8(&packed[1]);
    channels.down = 32 - 8 * width;
    return channels;
}

/* Reads the start as the last bytes of a word: there are always enough bytes before a record. */
static inline tc_channel_t tc_channels_next(tc_channels_t *channels)
{
    const uint8_t *const record = channels->record;
    const uint8_t *factor = channels->own ? record : channels->factors;
    tc_channel_t channel;
    if (channels->indexed != 0u) {
        factor += TC_CHANNELS_FACTOR * TC_READ_U8(record);
    }
    channels->record = &record[channels->size];
    channel.start = (int32_t)tc_channels_word(channels->record - 4) >> channels->down;
    channel.start = (int32_t)((uint32_t)channel.start << channels->up);
    channel.low = TC_READ_U8(channels->apart ? &record[channels->indexed] : factor);
    channel.multiplier = (int32_t)tc_channels_word(&factor[1]);
    return channel;
}

#endif
