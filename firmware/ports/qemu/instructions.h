/* Counts instructions by a clock: with `qemu -icount shift=S` an instruction takes 2^S ns, and nothing else takes time.
 * instructions.c implements the clock of port.h; a board implements the functions below, and has a board.h with
 *   TC_CLOCK_HZ            ticks per second
 *   TC_CLOCK_QUARTER_NS    duration of a tick in quarters of a nanosecond */
#ifndef TC_INSTRUCTIONS_H
#define TC_INSTRUCTIONS_H

#include <stdbool.h>
#include <stdint.h>

void tc_clock_start(void);

/* Ticks since then. Takes the same number of instructions in every call, so that its cost can be subtracted. */
uint64_t tc_clock_ticks(void);

/* A loop with two instructions per turn. */
void tc_known_loop(uint32_t turns);

/* Called once: starts the clock and finds S, if there is one. */
void tc_instructions_find(void);

bool tc_instructions_counted(void);

#endif
