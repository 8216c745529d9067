/* Arm MPS2 boards with the CMSDK peripherals (AN385 Cortex-M3, AN386 Cortex-M4, AN500 Cortex-M7), as QEMU has them:
 * UART0 on its line, timer 0 as the clock.
 *
 * Under `qemu -icount shift=S` an instruction takes 2^S ns, and the 25 MHz timer tells instructions apart: a tick is
 * then an instruction, exactly for S = 7 or more, in steps of 40 for S = 0. S is measured at the start. Where the timer
 * does not follow the instructions, a tick is a microsecond. Registers: Arm DDI 0479, Cortex-M System Design Kit. */
#include "port.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART_DATA REGISTER(0x40004000U)
#define UART_STATE REGISTER(0x40004004U)
#define UART_CONTROL REGISTER(0x40004008U)
#define UART_INTERRUPT REGISTER(0x4000400cU)
#define UART_DIVISOR REGISTER(0x40004010U)
#define TRANSMIT_FULL 1U
#define RECEIVE_FULL 2U
#define TRANSMIT_AND_RECEIVE_ENABLE 3U
#define RECEIVE_INTERRUPT_ENABLE 8U
#define RECEIVE_INTERRUPT 2U

#define TIMER_CONTROL REGISTER(0x40000000U)
#define TIMER_VALUE REGISTER(0x40000004U)
#define TIMER_RELOAD REGISTER(0x40000008U)
#define TIMER_INTERRUPT REGISTER(0x4000000cU)
#define TIMER_ENABLE 1U
#define TIMER_INTERRUPT_ENABLE 8U

#define NVIC_ENABLE REGISTER(0xe000e100U)
#define NVIC_PENDING_CLEAR REGISTER(0xe000e280U)
#define UART_RECEIVE_LINE 1U /* bit of interrupt 0 */
#define TIMER_LINE 0x100U    /* bit of interrupt 8 */

#define CLOCK_HZ 25000000U
#define BAUD 115200U
#define NS_A_TIMER_TICK 40U
#define SHIFT_MAX 10U

extern uint8_t tc_stack_limit[]; /* linker script */

static volatile uint32_t wraps;
static uint32_t shift;
static int counts_instructions;

void tc_timer_interrupt(void)
{
    TIMER_INTERRUPT = 1U;
    wraps++;
}

static uint64_t timer_ticks(void)
{
    uint32_t high;
    uint32_t value;
    do {
        high = wraps;
        value = TIMER_VALUE;
    } while (high != wraps);
    return ((uint64_t)high << 32) + (UINT32_MAX - value);
}

/* The timer's ticks while 2 x 20000 instructions run. */
static uint32_t time_known_loop(void)
{
    uint32_t turns = 20000U;
    const uint64_t start = timer_ticks();
    __asm__ volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(turns) : : "cc");
    return (uint32_t)(timer_ticks() - start);
}

/* Accepts an S if the loop takes what it must, within the instructions around it, four times over. */
static void find_shift(void)
{
    for (shift = 0; shift <= SHIFT_MAX; shift++) {
        const uint32_t expected = (40000U << shift) / NS_A_TIMER_TICK;
        const uint32_t tolerance = (50U << shift) / NS_A_TIMER_TICK + 2U;
        int hits = 0;
        while (hits < 4) {
            const uint32_t ticks = time_known_loop();
            if (ticks < expected || ticks > expected + tolerance) {
                break;
            }
            hits++;
        }
        if (hits == 4) {
            counts_instructions = 1;
            return;
        }
    }
}

void tc_port_init(void)
{
    UART_DIVISOR = CLOCK_HZ / BAUD;
    UART_CONTROL = TRANSMIT_AND_RECEIVE_ENABLE | RECEIVE_INTERRUPT_ENABLE;
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    TIMER_CONTROL = TIMER_ENABLE | TIMER_INTERRUPT_ENABLE;
    NVIC_ENABLE = TIMER_LINE | UART_RECEIVE_LINE;
    find_shift();
}

void tc_uart_interrupt(void)
{
    UART_INTERRUPT = RECEIVE_INTERRUPT; /* it only ends a sleep */
}

/* With interrupts held back: a byte between the test and the sleep still wakes the core. */
static void sleep_until_byte(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
    if ((UART_STATE & RECEIVE_FULL) == 0U) {
        __asm__ volatile("wfi" ::: "memory");
    }
    __asm__ volatile("cpsie i" ::: "memory");
}

/* Sleeps rather than polls: an idle board leaves the emulator's processor to others, and bytes come faster. */
int tc_port_read(void)
{
    while ((UART_STATE & RECEIVE_FULL) == 0U) {
        sleep_until_byte();
    }
    return (int)(UART_DATA & 0xffU);
}

void tc_port_write(char byte)
{
    while ((UART_STATE & TRANSMIT_FULL) != 0U) {
    }
    UART_DATA = (uint8_t)byte;
}

uint32_t tc_port_receive_window(void)
{
    return counts_instructions ? 2048U : 0U; /* an emulated line waits for us, a real UART holds one byte */
}

/* Instructions are counted from call to call: the whole number next to what the timer says of the time between them.
 * Idling moves the timer against the instructions, so counting from the start would be off by one now and then. */
uint64_t tc_port_ticks(void)
{
    static uint64_t before;
    static uint64_t instructions;
    const uint64_t now = timer_ticks();
    if (!counts_instructions) {
        return now / (CLOCK_HZ / 1000000U);
    }
    const uint64_t half = ((uint64_t)1 << shift) / 2U;
    instructions += ((now - before) * NS_A_TIMER_TICK + half) >> shift;
    before = now;
    return instructions;
}

const char *tc_port_tick_unit(void)
{
    return counts_instructions ? "instructions" : "microseconds";
}

uint32_t tc_port_ticks_per_second(void)
{
    return counts_instructions ? 1000000000U >> shift : 1000000U;
}

uint8_t *tc_port_stack_limit(void)
{
    return tc_stack_limit;
}
