/* The functions that a board provides to the harness: one serial line, one clock, the bounds of the stack. */
#ifndef TC_PORT_H
#define TC_PORT_H

#include <stddef.h>
#include <stdint.h>

/* Baud rate of the line, where it has one; set by the board file. */
#ifndef TC_BAUD
#define TC_BAUD 115200
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Called once, before the other functions. */
void tc_port_init(void);

/* Waits for the next byte, 0 to 255. -1 if the line is closed for good, which only a host's port can detect. */
int tc_port_read(void);

/* Sends one byte; waits until there is room. May buffer bytes until the next tc_port_read. */
void tc_port_write(char byte);

/* Bytes that a host may send before it reads the replies: the size of the receive buffer, or the capacity of a line
 * with flow control. 0: one command at a time. */
uint32_t tc_port_receive_window(void);

/* A monotonic clock. Must be read regularly if the hardware's counter wraps. */
uint64_t tc_port_ticks(void);

/* Unit of a tick: "cycles", "microseconds", or "instructions" under an emulator that counts them. */
const char *tc_port_tick_unit(void);

uint32_t tc_port_ticks_per_second(void);

/* What interrupts add to the ticks of an inference: "off", there are none; "clock", only the clock's own; "counted",
 * whatever runs meanwhile. */
const char *tc_port_interrupts(void);

/* The lowest address that the stack may reach; everything from there to the stack pointer may be painted. NULL if not
 * known. Stacks grow downwards. */
uint8_t *tc_port_stack_limit(void);

#ifdef __cplusplus
}
#endif

#endif
