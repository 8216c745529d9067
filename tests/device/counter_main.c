/* Reads the core's cycle counter beside the emulated board's own clock, and prints what both count. */
#include "board.h"
#include "counter.h"
#include "cycles.h"
#include "instructions.h"
#include "port.h"

static uint32_t counter(void)
{
    return tc_counter_read();
}

static uint32_t microseconds(void)
{
    return (uint32_t)(tc_clock_ticks() / (TC_CLOCK_HZ / 1000000U));
}

static void put(uint64_t number)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10U);
        number /= 10U;
    } while (number != 0U);
    while (count > 0) {
        tc_port_write(digits[--count]);
    }
    tc_port_write(' ');
}

int main(void)
{
    tc_cycles_t cycles = {counter, microseconds, 0, 0, 0, 0, 0};
    tc_port_init();
    tc_counter_start();
    cycles.last = TC_COUNTER_LAST;
    put(tc_cycles_start(&cycles, 0) ? 1U : 0U);
    put(cycles.per_second);
    for (uint32_t turns = 1000; turns <= 10000000U; turns *= 100U) {
        const uint64_t first = tc_cycles_read(&cycles);
        const uint64_t clock = tc_clock_ticks();
        tc_known_loop(turns);
        const uint64_t ticks = tc_clock_ticks() - clock;
        put(tc_cycles_read(&cycles) - first);
        put(ticks);
    }
    tc_port_write('\r');
    tc_port_write('\n');
    for (;;) {
        tc_port_read();
    }
}
