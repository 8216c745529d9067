/* Stack painting: see stack.h. Interrupts during the call count too. */
#include "stack.h"

#include "port.h"

#define PAINT 0xa5U
#define MARGIN 64U /* bytes below `here` that this frame may still use */

bool tc_stack_measure(void (*call)(void), uint32_t *depth)
{
    volatile uint8_t here = PAINT; /* its address approximates the stack pointer */
    volatile uint8_t *const limit = tc_port_stack_limit();
    if (limit == NULL) {
        return false;
    }
    /* Compared as integers: the painted memory belongs to no object that the compiler knows. */
    const uintptr_t top = (uintptr_t)&here;
    for (volatile uint8_t *p = limit; (uintptr_t)p < top - MARGIN; p++) {
        *p = PAINT;
    }
    call();
    volatile uint8_t *p = limit;
    while ((uintptr_t)p < top && *p == PAINT) {
        p++;
    }
    *depth = (uint32_t)(top - (uintptr_t)p);
    return p != limit;
}
