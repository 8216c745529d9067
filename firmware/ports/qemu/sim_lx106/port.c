/* Standard input and output by simcalls, the cycle counter as clock. The core can't sleep until a byte arrives, so it
 * polls. Instructions and registers: Xtensa Instruction Set Architecture Reference Manual. */
#include "port.h"

#include "instructions.h"

#define SIMCALL_READ 3
#define SIMCALL_WRITE 4
#define STANDARD_INPUT 0
#define STANDARD_OUTPUT 1

extern uint8_t tc_stack_limit[]; /* linker script */

static struct {
    char bytes[16]; /* the emulator's buffer */
    int count;
    int at;
} received;

static struct {
    char bytes[256];
    int count;
} pending;

/* Returns the bytes transferred, or -1. */
static int simcall(int number, int file, char *bytes, int count)
{
    register int a2 __asm__("a2") = number;
    register int a3 __asm__("a3") = file;
    register char *a4 __asm__("a4") = bytes;
    register int a5 __asm__("a5") = count;
    __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
    return a2;
}

void tc_clock_start(void)
{
    /* it is always running */
}

/* The counter has 32 bits; it is also read while waiting for input, so that no wrap is missed. */
uint64_t tc_clock_ticks(void)
{
    static uint64_t ticks;
    uint32_t now;
    __asm__ volatile("rsr %0, ccount" : "=r"(now));
    ticks += (uint32_t)(now - (uint32_t)ticks);
    return ticks;
}

void tc_known_loop(uint32_t turns)
{
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(turns));
}

void tc_port_init(void)
{
    tc_instructions_find();
}

static void flush(void)
{
    simcall(SIMCALL_WRITE, STANDARD_OUTPUT, pending.bytes, pending.count);
    pending.count = 0;
}

int tc_port_read(void)
{
    while (received.at >= received.count) {
        flush();
        tc_clock_ticks();
        received.count = simcall(SIMCALL_READ, STANDARD_INPUT, received.bytes, sizeof received.bytes);
        received.at = 0;
    }
    return (uint8_t)received.bytes[received.at++];
}

void tc_port_write(char byte)
{
    pending.bytes[pending.count++] = byte;
    if (pending.count == sizeof pending.bytes) {
        flush();
    }
}

uint32_t tc_port_receive_window(void)
{
    return 2048U; /* an emulated line waits */
}

uint8_t *tc_port_stack_limit(void)
{
    return tc_stack_limit;
}
