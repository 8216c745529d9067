/* The loop by which instructions are counted: see instructions.h. */
#include "instructions.h"

void tc_known_loop(uint32_t turns)
{
    __asm__ volatile(".syntax unified\n 1: subs %0, %0, #1\n bne 1b" : "+l"(turns) : : "cc");
}
