/* RP2040: UART 0, cycles from SysTick joined with the timer's microseconds (RP2040 Datasheet, 2.4.5, 4.2 and 4.6).
 * Interrupts stay disabled. Clocks and pins are as rp2040js has them after a reset: a real chip needs more. */
#include "port.h"

#include "counter.h"
#include "cycles.h"

#define UART(offset) TC_REGISTER(0x40034000U + (offset))
#define UART_DATA UART(0x00U)
#define UART_FLAGS UART(0x18U)
#define UART_LINE UART(0x2cU)
#define UART_CONTROL UART(0x30U)
#define TRANSMIT_FULL 0x20U
#define RECEIVE_EMPTY 0x10U
#define EIGHT_BITS 0x60U
#define ENABLE 0x301U
#define MICROSECONDS TC_REGISTER(0x40054028U)
#define CLOCK 125000000U

extern uint8_t tc_stack_limit[]; /* linker script */

static uint32_t counter(void)
{
    return tc_counter_read();
}

static uint32_t microseconds(void)
{
    return MICROSECONDS;
}

static tc_cycles_t cycles = {counter, microseconds, 0, 0, 0, 0, 0};

void tc_port_init(void)
{
    UART_LINE = EIGHT_BITS;
    UART_CONTROL = ENABLE;
    tc_counter_start();
    cycles.last = TC_COUNTER_LAST;
    (void)tc_cycles_start(&cycles, CLOCK);
}

int tc_port_read(void)
{
    while ((UART_FLAGS & RECEIVE_EMPTY) != 0U) {
    }
    return (int)(UART_DATA & 0xffU);
}

void tc_port_write(char byte)
{
    while ((UART_FLAGS & TRANSMIT_FULL) != 0U) {
    }
    UART_DATA = (uint8_t)byte;
}

uint32_t tc_port_receive_window(void)
{
    return 0;
}

uint64_t tc_port_ticks(void)
{
    return tc_cycles_read(&cycles);
}

const char *tc_port_tick_unit(void)
{
    return "cycles";
}

uint32_t tc_port_ticks_per_second(void)
{
    return cycles.per_second;
}

const char *tc_port_interrupts(void)
{
    return "off";
}

uint8_t *tc_port_stack_limit(void)
{
    return tc_stack_limit;
}
