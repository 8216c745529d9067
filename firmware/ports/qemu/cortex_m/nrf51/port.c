/* nRF51: its UART and TIMER0 (nRF51 Series Reference Manual). Interrupts stay disabled; the UART's only ends a sleep. */
#include "port.h"

#include "instructions.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART(offset) REGISTER(0x40002000U + (offset))
#define UART_START_RECEIVE UART(0x000U)
#define UART_START_TRANSMIT UART(0x008U)
#define UART_RECEIVED UART(0x108U)
#define UART_SENT UART(0x11cU)
#define UART_INTERRUPT_ENABLE UART(0x304U)
#define UART_ENABLE UART(0x500U)
#define UART_RECEIVE_DATA UART(0x518U)
#define UART_TRANSMIT_DATA UART(0x51cU)
#define UART_BAUD UART(0x524U)
#define RECEIVE_INTERRUPT 4U
#define ENABLE 4U
#define BAUD (((uint32_t)(((uint64_t)TC_BAUD << 32) / 16000000U) + 0x800U) & 0xfffff000U)

#define TIMER(offset) REGISTER(0x40008000U + (offset))
#define TIMER_START TIMER(0x000U)
#define TIMER_CAPTURE TIMER(0x040U)
#define TIMER_BITS TIMER(0x508U)
#define TIMER_PRESCALER TIMER(0x510U)
#define TIMER_CAPTURED TIMER(0x540U)
#define BITS_32 3U

#define NVIC_ENABLE REGISTER(0xe000e100U)
#define NVIC_PENDING_CLEAR REGISTER(0xe000e280U)
#define NVIC_UART (1U << 2)

extern uint8_t tc_stack_limit[]; /* linker script */

void tc_clock_start(void)
{
    TIMER_BITS = BITS_32;
    TIMER_PRESCALER = 0U;
    TIMER_START = 1U;
}

/* The counter has 32 bits; it is also read while waiting for input, so that no wrap is missed. */
uint64_t tc_clock_ticks(void)
{
    static uint64_t ticks;
    TIMER_CAPTURE = 1U;
    ticks += (uint32_t)(TIMER_CAPTURED - (uint32_t)ticks);
    return ticks;
}

void tc_port_init(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
    UART_BAUD = BAUD;
    UART_ENABLE = ENABLE;
    UART_START_RECEIVE = 1U;
    UART_START_TRANSMIT = 1U;
    UART_INTERRUPT_ENABLE = RECEIVE_INTERRUPT;
    NVIC_ENABLE = NVIC_UART;
    tc_instructions_find();
}

/* Sleeps instead of polling: an idle board takes no time of the host's processor. A byte between the test and the sleep
 * sets the interrupt pending, which ends the sleep at once. */
int tc_port_read(void)
{
    while (UART_RECEIVED == 0U) {
        tc_clock_ticks();
        NVIC_PENDING_CLEAR = NVIC_UART;
        __asm__ volatile("wfi" ::: "memory");
    }
    UART_RECEIVED = 0U; /* reading the byte sets it again if there are more */
    return (int)(UART_RECEIVE_DATA & 0xffU);
}

void tc_port_write(char byte)
{
    UART_SENT = 0U;
    UART_TRANSMIT_DATA = (uint8_t)byte;
    while (UART_SENT == 0U) {
    }
}

uint32_t tc_port_receive_window(void)
{
    return tc_instructions_counted() ? 2048U : 0U; /* an emulated line waits, a real UART holds six bytes */
}

uint8_t *tc_port_stack_limit(void)
{
    return tc_stack_limit;
}
