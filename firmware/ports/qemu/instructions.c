/* Counts instructions by a clock: see instructions.h. S is found with loops of known length; if no S fits the measured
 * times, the port's tick is a microsecond. The count is exact if 2^S ns are at least two ticks of the clock. */
#include "instructions.h"

#include "board.h"
#include "port.h"

#define TURNS 20000U
#define SHIFT_MAX 10U
#define CONSTANTS 4U /* instructions */
#define TRIALS 4U

static uint32_t shift;
static bool counted;

static uint64_t quarter_ns(uint32_t turns)
{
    const uint64_t start = tc_clock_ticks();
    tc_known_loop(turns);
    return (tc_clock_ticks() - start) * TC_CLOCK_QUARTER_NS;
}

/* The difference of two loops cancels the code around them, except that a larger constant may take more instructions to
 * load; accurate to two ticks of the clock. */
static bool explains(uint32_t s)
{
    const uint64_t expected = (uint64_t)(2U * TURNS) << (s + 2U);
    const uint64_t tolerance = ((uint64_t)CONSTANTS << (s + 2U)) + 2U * TC_CLOCK_QUARTER_NS;
    for (uint32_t i = 0; i < TRIALS; i++) {
        const uint64_t once = quarter_ns(TURNS);
        const uint64_t more = quarter_ns(2U * TURNS) - once;
        if (more + tolerance < expected || more > expected + tolerance) {
            return false;
        }
    }
    return true;
}

void tc_instructions_find(void)
{
    tc_clock_start();
    counted = explains(shift);
    while (!counted && shift < SHIFT_MAX) {
        shift++;
        counted = explains(shift);
    }
}

bool tc_instructions_counted(void)
{
    return counted;
}

/* Counts the instructions since the last call, rounded to the nearest integer, and adds them up. Idling shifts the
 * clock against the instructions, so counting from the start would sometimes be off by one. */
uint64_t tc_port_ticks(void)
{
    static uint64_t before;
    static uint64_t instructions;
    const uint64_t now = tc_clock_ticks();
    if (!counted) {
        return now / (TC_CLOCK_HZ / 1000000U);
    }
    instructions += ((now - before) * TC_CLOCK_QUARTER_NS + ((uint64_t)2U << shift)) >> (shift + 2U);
    before = now;
    return instructions;
}

const char *tc_port_tick_unit(void)
{
    return counted ? "instructions" : "microseconds";
}

uint32_t tc_port_ticks_per_second(void)
{
    return counted ? 1000000000U >> shift : 1000000U;
}

const char *tc_port_interrupts(void)
{
    return "off";
}
