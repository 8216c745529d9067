/* Stack use of one call. */
#ifndef TC_STACK_H
#define TC_STACK_H

#include <stdbool.h>
#include <stdint.h>

/* Paints the free stack, calls, and measures how much of the paint was overwritten. *depth is in bytes and includes this
 * function's own frame, some tens of bytes. False: the port does not know the stack's bounds, or all of the paint was
 * overwritten. */
bool tc_stack_measure(void (*call)(void), uint32_t *depth);

#endif
