/* Vector table and reset: copy .data, clear .bss, call main. */
#include <stdint.h>

extern uint32_t tc_data_load[], tc_data_start[], tc_data_end[], tc_bss_start[], tc_bss_end[], tc_stack_top[];

int main(void);
void tc_reset(void);
static void fault(void);

typedef void (*handler_t)(void);

static const struct {
    uint32_t *stack;
    handler_t exceptions[15];
} vectors __attribute__((section(".vectors"), used)) = {
    tc_stack_top,
    {tc_reset, fault, fault, fault, fault, fault, fault, 0, 0, 0, fault, fault, 0, fault, fault},
};

/* Restart: the host then sees boot lines instead of a reply, and reports it. */
static void fault(void)
{
    *(volatile uint32_t *)0xe000ed0cU = 0x05fa0004U; /* AIRCR: system reset request */
    for (;;) {
    }
}

void tc_reset(void)
{
    const uint32_t *from = tc_data_load;
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    *(volatile uint32_t *)0xe000ed88U |= 0x00f00000U; /* CPACR: enable floating point and vectors */
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
    for (uint32_t *to = tc_data_start; to < tc_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = tc_bss_start; to < tc_bss_end; to++) {
        *to = 0;
    }
    main();
    fault();
}
