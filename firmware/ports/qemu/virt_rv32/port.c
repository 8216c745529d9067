/* A 16550 as UART, the machine timer as clock. Interrupts stay disabled; the UART's only ends a sleep. Registers: The
 * RISC-V Instruction Set Manual, volume II; SiFive PLIC; the 16550's data sheet. */
#include "port.h"

#include "instructions.h"

#define BYTE(address) (*(volatile uint8_t *)(address))
#define WORD(address) (*(volatile uint32_t *)(address))

#define UART_DATA BYTE(0x10000000U)
#define UART_INTERRUPT_ENABLE BYTE(0x10000001U)
#define UART_FIFO BYTE(0x10000002U)
#define UART_STATE BYTE(0x10000005U)
#define RECEIVE_INTERRUPT_ENABLE 1U
#define FIFO_ENABLE 1U
#define RECEIVED 0x01U
#define TRANSMIT_EMPTY 0x20U

#define UART_SOURCE 10U
#define PLIC_PRIORITY WORD(0x0c000000U + 4U * UART_SOURCE)
#define PLIC_ENABLE WORD(0x0c002000U)
#define PLIC_THRESHOLD WORD(0x0c200000U)
#define PLIC_CLAIM WORD(0x0c200004U)

#define TIME_LOW WORD(0x0200bff8U)
#define TIME_HIGH WORD(0x0200bffcU)

#define EXTERNAL_INTERRUPT 0x800U /* of CSR mie */

extern uint8_t tc_stack_limit[]; /* linker script */

void tc_clock_start(void)
{
    /* it is always running */
}

uint64_t tc_clock_ticks(void)
{
    uint32_t high;
    uint32_t low;
    do {
        high = TIME_HIGH;
        low = TIME_LOW;
    } while (high != TIME_HIGH);
    return ((uint64_t)high << 32) + low;
}

void tc_known_loop(uint32_t turns)
{
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(turns));
}

static void enable_external_interrupt(void)
{
    __asm__ volatile(".option push\n .option arch, +zicsr\n csrs mie, %0\n .option pop" : : "r"(EXTERNAL_INTERRUPT));
}

void tc_port_init(void)
{
    UART_FIFO = FIFO_ENABLE;
    UART_INTERRUPT_ENABLE = RECEIVE_INTERRUPT_ENABLE;
    PLIC_PRIORITY = 1U;
    PLIC_THRESHOLD = 0U;
    PLIC_ENABLE = 1U << UART_SOURCE;
    enable_external_interrupt();
    tc_instructions_find();
}

/* Sleeps instead of polling: an idle board takes no time of the host's processor. A byte between the test and the sleep
 * sets the interrupt pending, which ends the sleep at once. */
int tc_port_read(void)
{
    while ((UART_STATE & RECEIVED) == 0U) {
        PLIC_CLAIM = PLIC_CLAIM; /* completes the interrupt that ended the last sleep */
        __asm__ volatile("wfi" ::: "memory");
    }
    return UART_DATA;
}

void tc_port_write(char byte)
{
    while ((UART_STATE & TRANSMIT_EMPTY) == 0U) {
    }
    UART_DATA = (uint8_t)byte;
}

uint32_t tc_port_receive_window(void)
{
    return 2048U; /* an emulated line waits */
}

uint8_t *tc_port_stack_limit(void)
{
    return tc_stack_limit;
}
