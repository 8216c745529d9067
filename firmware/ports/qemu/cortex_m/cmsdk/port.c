/* Boards with a UART of Arm's Cortex-M System Design Kit (Arm DDI 0479). Interrupts stay disabled; the UART's only ends
 * a sleep. */
#include "port.h"

#include "board.h"
#include "instructions.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART_DATA REGISTER(TC_UART)
#define UART_STATE REGISTER(TC_UART + 4U)
#define UART_CONTROL REGISTER(TC_UART + 8U)
#define UART_INTERRUPT REGISTER(TC_UART + 12U)
#define UART_DIVISOR REGISTER(TC_UART + 16U)
#define TRANSMIT_FULL 1U
#define RECEIVE_FULL 2U
#define TRANSMIT_AND_RECEIVE_ENABLE 3U
#define RECEIVE_INTERRUPT_ENABLE 8U
#define RECEIVE_INTERRUPT 2U

#define NVIC_WORD (TC_UART_RECEIVE_INTERRUPT / 32U * 4U)
#define NVIC_BIT (1U << TC_UART_RECEIVE_INTERRUPT % 32U)
#define NVIC_ENABLE REGISTER(0xe000e100U + NVIC_WORD)
#define NVIC_PENDING_CLEAR REGISTER(0xe000e280U + NVIC_WORD)

extern uint8_t tc_stack_limit[]; /* linker script */

void tc_port_init(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
    UART_DIVISOR = TC_UART_HZ / TC_BAUD;
    UART_CONTROL = TRANSMIT_AND_RECEIVE_ENABLE | RECEIVE_INTERRUPT_ENABLE;
    NVIC_ENABLE = NVIC_BIT;
    tc_instructions_find();
}

/* Sleeps instead of polling: an idle board takes no time of the host's processor, and bytes arrive faster. A byte
 * between the test and the sleep sets the interrupt pending, which ends the sleep at once. */
int tc_port_read(void)
{
    for (;;) {
        UART_INTERRUPT = RECEIVE_INTERRUPT;
        NVIC_PENDING_CLEAR = NVIC_BIT;
        if ((UART_STATE & RECEIVE_FULL) != 0U) {
            return (int)(UART_DATA & 0xffU);
        }
        __asm__ volatile("wfi" ::: "memory");
    }
}

void tc_port_write(char byte)
{
    while ((UART_STATE & TRANSMIT_FULL) != 0U) {
    }
    UART_DATA = (uint8_t)byte;
}

uint32_t tc_port_receive_window(void)
{
    return tc_instructions_counted() ? 2048U : 0U; /* an emulated line waits, a real UART holds one byte */
}

uint8_t *tc_port_stack_limit(void)
{
    return tc_stack_limit;
}
