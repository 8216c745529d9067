/* The deepest stack of one call. */
#ifndef TC_STACK_H
#define TC_STACK_H

#include <stdbool.h>
#include <stdint.h>

/* Paints the free stack, calls, looks how far the paint is gone. *depth in bytes, the caller's frame of some tens of
 * bytes included. False where the port does not know the stack's bounds. */
bool tc_stack_measure(void (*call)(void), uint32_t *depth);

#endif
