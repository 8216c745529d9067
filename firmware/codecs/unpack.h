/* Unpacks indices of 1 to 7 bits, packed without gaps and least significant bit first, and looks them up in a table of
 * weights. */
#ifndef TINYCOMP_UNPACK_H
#define TINYCOMP_UNPACK_H

#include "tinycomp.h"

static inline uint32_t tc_unpack_load(const uint8_t *from)
{
    return (uint32_t)TC_READ_U8(from) | (uint32_t)TC_READ_U8(from + 1) << 8 | (uint32_t)TC_READ_U8(from + 2) << 16 |
           (uint32_t)TC_READ_U8(from + 3) << 24;
}

static inline void tc_unpack_two(const uint8_t *from, const int8_t *table, int8_t *to)
{
    const unsigned byte = TC_READ_U8(from);
    to[0] = TC_READ_I8(&table[byte & 15u]);
    to[1] = TC_READ_I8(&table[byte >> 4]);
}

static inline void tc_unpack_four(uint32_t window, unsigned bits, const int8_t *table, int8_t *to)
{
    const unsigned mask = (1u << bits) - 1u;
    to[0] = TC_READ_I8(&table[window & mask]);
    window >>= bits;
    to[1] = TC_READ_I8(&table[window & mask]);
    window >>= bits;
    to[2] = TC_READ_I8(&table[window & mask]);
    window >>= bits;
    to[3] = TC_READ_I8(&table[window & mask]);
}

/* Decodes `count` weights from index `first` on: eight at a time where they begin at a byte, else one by one. Except
 * with 4-bit indices, this reads up to three bytes after the last index. */
static inline void tc_unpack(const uint8_t *indices, tc_index_t first, unsigned bits, const int8_t *table, size_t count,
                             int8_t *to)
{
    uint32_t position = (uint32_t)first * bits; /* 32 bits even where size_t has 16 */
    while (count != 0) {
        const uint8_t *from = indices + (size_t)(position >> 3);
        const unsigned place = (unsigned)(position & 7u);
        if (place != 0 || count < 8) {
            unsigned window = TC_READ_U8(from);
            if (place + bits > 8) {
                window |= (unsigned)TC_READ_U8(from + 1) << 8;
            }
            *to++ = TC_READ_I8(&table[(window >> place) & ((1u << bits) - 1u)]);
            position += bits;
            count--;
            continue;
        }
        position += (uint32_t)(count & ~(size_t)7) * bits;
        for (; count >= 8; from += bits, to += 8, count -= 8) {
            if (bits == 4) {
                tc_unpack_two(from, table, to);
                tc_unpack_two(from + 1, table, to + 2);
                tc_unpack_two(from + 2, table, to + 4);
                tc_unpack_two(from + 3, table, to + 6);
            } else {
                tc_unpack_four(tc_unpack_load(from), bits, table, to);
                tc_unpack_four(tc_unpack_load(from + (bits >> 1)) >> (4 * (bits & 1u)), bits, table, to + 4);
            }
        }
    }
}

#endif
