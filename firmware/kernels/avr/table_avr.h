/* A codebook's sixteen values in RAM, looked up by two indices per byte. */
#ifndef TINYCOMP_TABLE_AVR_H
#define TINYCOMP_TABLE_AVR_H

#include "sums_avr.h"
#include "tinycomp.h"

/* Number of entries, and the table's alignment, so that the low bits of an entry's address are its index. The sums
 * follow. */
#define TC_AVR_ENTRIES 16

#if defined(__AVR__)
/* clang-format off */
#define TC_AVR_SET_TABLE         \
    "push r28\n\t"               \
    "push r29\n\t"               \
    "movw r28, %[sums_at]\n\t"   \
    "sbiw r28, 16\n\t"           \
    "mov r21, r28\n\t"
#define TC_AVR_UNSET_TABLE  \
    "pop r29\n\t"           \
    "pop r28\n\t"
/* Two channels. */
#define TC_AVR_LOOK_UP(add, low, middle, high, next_low, next_middle, next_high)  \
    "lpm r20, Z+\n\t"                                                        \
    "mov r28, r20\n\t"                                                       \
    "andi r28, 15\n\t"                                                       \
    "or r28, r21\n\t"                                                        \
    "ld r19, Y\n\t"                                                          \
    add(low, middle, high)                                   \
    "swap r20\n\t"                                                           \
    "andi r20, 15\n\t"                                                       \
    "or r20, r21\n\t"                                                        \
    "mov r28, r20\n\t"                                                       \
    "ld r19, Y\n\t"                                                          \
    add(next_low, next_middle, next_high)
/* clang-format on */
#endif

/* Bytes for an aligned table and the sums after it, at any address. */
#define TC_AVR_TABLE_ROOM (2 * TC_AVR_ENTRIES - 1 + TC_AVR_STARTS)

/* Fills the table with a codebook's values, each plus `more`. Returns the address of the sums. */
static inline uint8_t *tc_avr_table(uint8_t *room, const int8_t *codebook, uint8_t more)
{
    uint8_t *const table = room + (-(uintptr_t)room & (TC_AVR_ENTRIES - 1));
    for (unsigned i = 0; i < TC_AVR_ENTRIES; i++) {
        table[i] = (uint8_t)(TC_READ_I8(&codebook[i]) + more);
    }
    return table + TC_AVR_ENTRIES;
}

#endif
