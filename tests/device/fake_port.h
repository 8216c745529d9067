/* What ports of tests have in common: bytes that are there to be read, and a clock that steps when it is read. */
#include "port.h"

static const uint8_t *at;
static size_t left;
static uint64_t now;

int tc_port_read(void)
{
    if (left == 0) {
        return -1;
    }
    left--;
    return *at++;
}

uint64_t tc_port_ticks(void)
{
    return now += 100;
}

const char *tc_port_tick_unit(void)
{
    return "cycles";
}

uint32_t tc_port_ticks_per_second(void)
{
    return 1000000U;
}

uint8_t *tc_port_stack_limit(void)
{
    return NULL;
}
