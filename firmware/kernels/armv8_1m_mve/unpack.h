/* Unpacks indices of 1 to 7 bits and looks them up in a table of weights, like codecs/unpack.h: eight weights in 9
 * instructions of MVE, or 32 in 8 for 4-bit indices. */
#ifndef TINYCOMP_UNPACK_H
#define TINYCOMP_UNPACK_H

#include "mve.h"
#include "tinycomp.h"

#if TC_MVE

/* `count` bytes of two 4-bit indices each; a multiple of sixteen. */
static inline int8_t *tc_unpack_fours(const uint8_t *from, const int8_t *table, size_t count, int8_t *to)
{
    __asm__ volatile("vmov.i8 q4, #15\n\twls lr, %[rounds], 2f\n1:\n\tvldrb.8 q0, [%[from]], #16\n\tvand q1, q0, q4\n\t"
                     "vldrb.u8 q2, [%[table], q1]\n\tvshr.u8 q0, q0, #4\n\tvldrb.u8 q3, [%[table], q0]\n\t"
                     "vst20.8 {q2, q3}, [%[to]]\n\tvst21.8 {q2, q3}, [%[to]]!\n\tle lr, 1b\n2:\n\t"
                     : [from] "+&r"(from), [to] "+&r"(to)
                     : [table] "r"(table), [rounds] "r"(count / 16)
                     : "lr", "q0", "q1", "q2", "q3", "q4", "cc", "memory");
    return to;
}

/* Eight indices take `bits` bytes, so their positions are the same in every group of eight: q0 and q1 hold the offsets
 * of the bytes with each index's first and last bit, q2 its shift. */
static inline void tc_unpack_eights(const uint8_t *from, uint32_t place, unsigned bits, const int8_t *table,
                                    size_t count, int8_t *to)
{
    uint32_t start = 0;
    __asm__ volatile(
        "vidup.u16 q0, %[start], #1\n\tvmul.i16 q0, q0, %[bits]\n\tvadd.i16 q0, q0, %[place]\n\t"
        "vadd.i16 q1, q0, %[more]\n\tvmov.i16 q3, #7\n\tvand q2, q0, q3\n\tvneg.s16 q2, q2\n\tvshr.u16 q0, q0, #3\n\t"
        "vshr.u16 q1, q1, #3\n\tvdup.16 q3, %[mask]\n\twlstp.16 lr, %[count], 2f\n1:\n\t"
        "vldrb.u16 q4, [%[from], q0]\n\tvldrb.u16 q5, [%[from], q1]\n\tvsli.16 q4, q5, #8\n\tvshl.u16 q4, q4, q2\n\t"
        "vand q4, q4, q3\n\tvldrb.u16 q5, [%[table], q4]\n\tvstrb.16 q5, [%[to]], #8\n\tadd %[from], %[from], "
        "%[bits]\n\t"
        "letp lr, 1b\n2:\n\t"
        : [start] "+&Te"(start), [from] "+&r"(from), [to] "+&l"(to)
        : [bits] "r"(bits), [place] "r"(place), [more] "r"(bits - 1u), [mask] "r"((1u << bits) - 1u),
          [table] "r"(table), [count] "r"(count)
        : "lr", "q0", "q1", "q2", "q3", "q4", "q5", "cc", "memory");
}

#endif

/* Decodes `count` weights from index `first` on. */
static inline void tc_unpack(const uint8_t *indices, size_t first, unsigned bits, const int8_t *table, size_t count,
                             int8_t *to)
{
    uint32_t position = (uint32_t)first * bits;
#if TC_MVE
    if (bits == 4 && first % 2 == 0) {
        const size_t pairs = count / 32 * 16;
        to = tc_unpack_fours(indices + position / 8, table, pairs, to);
        position += (uint32_t)pairs * 8u;
        count -= 2 * pairs;
    }
    tc_unpack_eights(indices + position / 8, position % 8, bits, table, count, to);
#else
    for (const int8_t *const end = to + count; to != end; to++, position += bits) {
        const unsigned low = indices[position / 8], high = indices[(position + bits - 1) / 8];
        *to = table[((low | high << 8) >> position % 8) & ((1u << bits) - 1u)];
    }
#endif
}

#endif
