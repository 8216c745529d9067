/* Joins a cycle counter with a slower clock: see cycles.h. */
#include "cycles.h"

#define SECOND 1000000U
#define MEASURED (SECOND / 10U)

/* Polled much faster than the counter wraps, so no wrap is missed. */
static uint32_t measure(const tc_cycles_t *cycles)
{
    uint64_t total = 0;
    const uint32_t start = cycles->microseconds();
    uint32_t before = cycles->counter();
    uint32_t elapsed;
    do {
        const uint32_t now = cycles->counter();
        total += now >= before ? now - before : cycles->last - before + 1U + now;
        before = now;
        elapsed = cycles->microseconds() - start;
    } while (elapsed < MEASURED);
    return (uint32_t)(total * SECOND / elapsed);
}

bool tc_cycles_start(tc_cycles_t *cycles, uint32_t nominal)
{
    const uint32_t measured = measure(cycles);
    const uint32_t difference = measured > nominal ? measured - nominal : nominal - measured;
    cycles->per_second = difference < nominal / 1000U ? nominal : measured;
    cycles->counted = cycles->counter();
    cycles->then = cycles->microseconds();
    cycles->total = 0;
    return measured != 0U;
}

uint64_t tc_cycles_read(tc_cycles_t *cycles)
{
    const uint32_t now = cycles->counter();
    const uint32_t then = cycles->microseconds();
    const uint64_t about = (uint64_t)(then - cycles->then) * cycles->per_second / SECOND;
    const uint64_t range = (uint64_t)cycles->last + 1U;
    uint64_t passed = now >= cycles->counted ? now - cycles->counted : range - cycles->counted + now;
    if (about > passed) {
        passed += (about - passed + range / 2U) / range * range;
    }
    cycles->counted = now;
    cycles->then = then;
    cycles->total += passed;
    return cycles->total;
}
