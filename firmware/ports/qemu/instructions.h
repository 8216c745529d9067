/* Instructions counted by a clock: `qemu -icount shift=S` lets an instruction take 2^S ns, and nothing else takes time.
 * instructions.c gives the clock of port.h; a board gives what follows, and board.h with
 *   TC_CLOCK_HZ            ticks a second
 *   TC_CLOCK_QUARTER_NS    quarters of a nanosecond a tick takes */
#ifndef TC_INSTRUCTIONS_H
#define TC_INSTRUCTIONS_H

#include <stdbool.h>
#include <stdint.h>

void tc_clock_start(void);

/* Ticks since then. Takes the same number of instructions at every call, so that what it
 * costs can be taken off. */
uint64_t tc_clock_ticks(void);

/* A loop of two instructions a turn. */
void tc_known_loop(uint32_t turns);

/* Called once: starts the clock and finds S, or that there is none. */
void tc_instructions_find(void);

bool tc_instructions_counted(void);

#endif
