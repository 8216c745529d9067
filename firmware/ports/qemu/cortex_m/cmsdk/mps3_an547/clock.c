/* The system counter of the SSE-300, 64 bits at the speed of the main clock: Arm 101370, SSE-123. */
#include "instructions.h"

#define CONTROL (*(volatile uint32_t *)0x58100000U)
#define LOW (*(const volatile uint32_t *)0x58100008U)
#define HIGH (*(const volatile uint32_t *)0x5810000cU)
#define ENABLE 1U

void tc_clock_start(void)
{
    CONTROL = ENABLE;
}

uint64_t tc_clock_ticks(void)
{
    uint32_t high;
    uint32_t low;
    do {
        high = HIGH;
        low = LOW;
    } while (high != HIGH);
    return ((uint64_t)high << 32) + low;
}
