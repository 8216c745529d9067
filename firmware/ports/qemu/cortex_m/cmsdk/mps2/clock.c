/* The 32-bit counter of the board's FPGA registers. No interrupt is needed to count its wraps: they are computed from
 * the register beside it, which counts hundredths of a second. */
#include "board.h"
#include "instructions.h"

#define HUNDREDTHS (*(volatile uint32_t *)(TC_FPGA_IO + 0x14U))
#define COUNTER (*(volatile uint32_t *)(TC_FPGA_IO + 0x18U))

void tc_clock_start(void)
{
    HUNDREDTHS = 0;
    COUNTER = 0;
}

uint64_t tc_clock_ticks(void)
{
    const uint64_t about = (uint64_t)HUNDREDTHS * (TC_CLOCK_HZ / 100U);
    const uint32_t low = COUNTER;
    return ((about - low + 0x80000000U) >> 32 << 32) + low;
}
