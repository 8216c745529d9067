/* What a board must give the harness: one serial line, one clock, the bounds of the stack. Nothing else. */
#ifndef TC_PORT_H
#define TC_PORT_H

#include <stddef.h>
#include <stdint.h>

/* Bits a second of the line, where it has such a thing: the board's. */
#ifndef TC_BAUD
#define TC_BAUD 115200
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Called once, before anything below. */
void tc_port_init(void);

/* The next byte, 0 to 255; waits for it. -1 when the line is closed for good, which only a host's port can see. */
int tc_port_read(void);

/* Sends one byte; waits until there is room. May keep bytes back until the next tc_port_read. */
void tc_port_write(char byte);

/* Bytes that a host may send before it has read the replies to them: the receive buffer, or what a line with flow
 * control may hold. 0: one command at a time. */
uint32_t tc_port_receive_window(void);

/* A clock that never goes back. Must be read once in a while if the hardware's counter is short. */
uint64_t tc_port_ticks(void);

/* What a tick is: "cycles", "microseconds", or "instructions" under an emulator that counts them. */
const char *tc_port_tick_unit(void);

uint32_t tc_port_ticks_per_second(void);

/* The lowest address that the stack may reach, everything from there to the stack pointer being free to paint; NULL
 * where that is not known. Stacks grow downwards. */
uint8_t *tc_port_stack_limit(void);

#ifdef __cplusplus
}
#endif

#endif
