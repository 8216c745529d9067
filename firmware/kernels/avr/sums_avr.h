/* Sums of four channels, 24 bits each: in assembly in r4 to r15, in memory in twelve bytes. */
#ifndef TINYCOMP_SUMS_AVR_H
#define TINYCOMP_SUMS_AVR_H

#include "output_avr.h"
#include "tinycomp.h"

#if defined(__AVR__)
#define TC_AVR_SUMS "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
#define TC_AVR_START  \
    "lpm r4, Z+\n\t"  \
    "lpm r5, Z+\n\t"  \
    "lpm r6, Z+\n\t"  \
    "lpm r7, Z+\n\t"  \
    "lpm r8, Z+\n\t"  \
    "lpm r9, Z+\n\t"  \
    "lpm r10, Z+\n\t" \
    "lpm r11, Z+\n\t" \
    "lpm r12, Z+\n\t" \
    "lpm r13, Z+\n\t" \
    "lpm r14, Z+\n\t" \
    "lpm r15, Z+\n\t"
#define TC_AVR_FINISH \
    "st X+, r4\n\t"   \
    "st X+, r5\n\t"   \
    "st X+, r6\n\t"   \
    "st X+, r7\n\t"   \
    "st X+, r8\n\t"   \
    "st X+, r9\n\t"   \
    "st X+, r10\n\t"  \
    "st X+, r11\n\t"  \
    "st X+, r12\n\t"  \
    "st X+, r13\n\t"  \
    "st X+, r14\n\t"  \
    "st X+, r15\n\t"  \
    "clr r1\n\t"
/* The product of the activation in r18 and the weight in r19. MULSU leaves the sign in the carry; r2 is zero. */
#define TC_AVR_ADD(low, middle, high) \
    "mulsu r19, r18\n\t"              \
    "sbc " high ", r2\n\t"            \
    "add " low ", r0\n\t"             \
    "adc " middle ", r1\n\t"          \
    "adc " high ", r2\n\t"
#else
/* Adds one product to the sum in three bytes. */
static inline void tc_avr_add(uint8_t *sum, int activation, int weight)
{
    const uint32_t total = (uint32_t)tc_avr_read(sum, 3) + (uint32_t)(activation * weight);
    sum[0] = (uint8_t)total;
    sum[1] = (uint8_t)(total >> 8);
    sum[2] = (uint8_t)(total >> 16);
}

/* Loads the initial values of the sums, less the excess. */
static inline void tc_avr_begin(uint8_t *sums, const uint8_t *starts, int too_much)
{
    memcpy(sums, starts, TC_AVR_STARTS);
    for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
        tc_avr_add(sums + 3 * c, too_much, -1);
    }
}
#endif

#endif
