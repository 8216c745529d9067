/* Indices of 1 to 7 bits without a gap, the least significant bit first, looked up in a table of weights. */
#ifndef TINYCOMP_UNPACK_H
#define TINYCOMP_UNPACK_H

#include "tinycomp.h"

/* Any number of bits: a window of at most 15 bits slides over the bytes. `position` is in bits. */
static inline int8_t *tc_unpack_singly(const uint8_t *indices, uint32_t position, unsigned bits, const int8_t *table,
                                       size_t count, int8_t *to)
{
    const unsigned mask = (1u << bits) - 1u;
    const uint8_t *from = indices + (size_t)(position >> 3);
    const int8_t *const end = to + count;
    unsigned window = 0, held = 0;
    if ((position & 7u) != 0 && count != 0) {
        window = (unsigned)TC_READ_U8(from) >> (position & 7u);
        held = 8u - (unsigned)(position & 7u);
        from++;
    }
    while (to != end) {
        if (held < bits) {
            window |= (unsigned)TC_READ_U8(from) << held;
            held += 8u;
            from++;
        }
        *to++ = TC_READ_I8(&table[window & mask]);
        window >>= bits;
        held -= bits;
    }
    return to;
}

/* Eight bits at a time, for 1, 2 and 4 bits; `from` begins with a whole index. */
static inline int8_t *tc_unpack_bytes(const uint8_t *from, size_t bytes, unsigned bits, const int8_t *table, int8_t *to)
{
    const uint8_t *const end = from + bytes;
    if (bits == 4) {
        for (; from != end; from++, to += 2) {
            const unsigned byte = TC_READ_U8(from);
            to[0] = TC_READ_I8(&table[byte & 15u]);
            to[1] = TC_READ_I8(&table[byte >> 4]);
        }
        return to;
    }
    if (bits == 2) {
        for (; from != end; from++, to += 4) {
            const unsigned byte = TC_READ_U8(from);
            to[0] = TC_READ_I8(&table[byte & 3u]);
            to[1] = TC_READ_I8(&table[(byte >> 2) & 3u]);
            to[2] = TC_READ_I8(&table[(byte >> 4) & 3u]);
            to[3] = TC_READ_I8(&table[byte >> 6]);
        }
        return to;
    }
    for (; from != end; from++) {
        unsigned byte = TC_READ_U8(from);
        for (unsigned i = 0; i < 8; i++, byte >>= 1) {
            *to++ = TC_READ_I8(&table[byte & 1u]);
        }
    }
    return to;
}

/* The weights of `count` indices from the first-th on. */
static inline void tc_unpack(const uint8_t *indices, size_t first, unsigned bits, const int8_t *table, size_t count,
                             int8_t *to)
{
    uint32_t position = (uint32_t)first * bits; /* 32 bits even where size_t has 16 */
    if (bits == 1 || bits == 2 || bits == 4) {
        const unsigned places = bits == 4 ? 1u : bits == 2 ? 2u : 3u; /* shifts: not every core can divide */
        const unsigned each = 1u << places;                           /* indices a byte */
        size_t head = (each - first) & (each - 1u);
        head = head < count ? head : count;
        to = tc_unpack_singly(indices, position, bits, table, head, to);
        const size_t bytes = (count - head) >> places;
        position += (uint32_t)head * bits;
        to = tc_unpack_bytes(indices + (size_t)(position >> 3), bytes, bits, table, to);
        count -= head + bytes * each;
        position += (uint32_t)bytes * 8u;
    }
    (void)tc_unpack_singly(indices, position, bits, table, count, to);
}

#endif
