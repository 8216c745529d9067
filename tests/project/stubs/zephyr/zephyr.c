#include <zephyr/kernel.h>

uint32_t k_cycle_get_32(void)
{
    static uint32_t now;
    return now += 1000;
}

uint32_t k_cyc_to_us_floor32(uint32_t cycles)
{
    return cycles / 100;
}
