/* Reset: sets the stack and leaves the exception mode of a reset, in which zero-overhead loops do not loop (PS.EXCM;
 * interrupts stay disabled), then .data, .bss and main. There are no exception vectors: after a fault the board is
 * silent. */
#include <stdint.h>

extern uint32_t tc_data_load[], tc_data_start[], tc_data_end[], tc_bss_start[], tc_bss_end[];

int main(void);
void tc_start(void);

__asm__(".section .vectors, \"ax\"\n"
        ".global tc_reset\n"
        "tc_reset: j set_stack\n"
        ".align 4\n"
        "stack_top: .word tc_stack_top\n"
        "start: .word tc_start\n"
        "set_stack: l32r a1, stack_top\n"
        "movi a0, 15\n" /* PS: interrupt level 15, all else 0 */
        "wsr a0, ps\n"
        "rsync\n"
        "l32r a0, start\n"
        "jx a0\n"
        ".text");

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
    for (;;) {
    }
}
