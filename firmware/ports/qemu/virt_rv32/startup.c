/* Reset, at the address where the machine starts: sets the stack, global pointer and trap vector, then .data, .bss and
 * main. */
#include <stdint.h>

extern uint32_t tc_data_load[], tc_data_start[], tc_data_end[], tc_bss_start[], tc_bss_end[];

int main(void);
void tc_reset(void);
void tc_start(void);
void tc_trap(void);

/* Restart: the host then sees boot lines instead of a reply, and reports it. */
__attribute__((aligned(4))) void tc_trap(void)
{
    *(volatile uint32_t *)0x00100000U = 0x7777U; /* the machine's test device: reset */
    for (;;) {
    }
}

__attribute__((used)) void tc_start(void)
{
    const uint32_t *from = tc_data_load;
    for (uint32_t *to = tc_data_start; to < tc_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = tc_bss_start; to < tc_bss_end; to++) {
        *to = 0;
    }
    main();
    tc_trap();
}

__attribute__((naked, used, section(".vectors"))) void tc_reset(void)
{
    __asm__ volatile(".option push\n"
                     ".option norelax\n"
                     ".option arch, +zicsr\n"
                     "la gp, __global_pointer$\n"
                     "la sp, tc_stack_top\n"
                     "la t0, tc_trap\n"
                     "csrw mtvec, t0\n"
                     ".option pop\n"
                     "tail tc_start");
}
