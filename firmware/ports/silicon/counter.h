/* The cycle counter of the core that this is compiled for: 24 or 32 bits that wrap. cycles.h joins it with a slower
 * clock. TC_COUNTER_LAST is its largest value, or 0 for cores without a supported counter.
 *   Cortex-M3 and larger   DWT (Armv7-M and Armv8-M Architecture Reference Manuals)
 *   Cortex-M0, M0+         SysTick; if the board's software uses it for its own tick already, it is only read
 *   RISC-V                 mcycle; the ESP32-C2, -C3, -C6 and -H2 have Espressif's own counter in its place
 *   Xtensa                 CCOUNT */
#ifndef TC_COUNTER_H
#define TC_COUNTER_H

#include <stdint.h>

#define TC_REGISTER(address) (*(volatile uint32_t *)(address))

#if defined(__ARM_ARCH) && (__ARM_ARCH_PROFILE == 'M') && !defined(__ARM_ARCH_6M__) && !defined(__ARM_ARCH_8M_BASE__)

#define TC_COUNTER_LAST 0xffffffffU

static inline void tc_counter_start(void)
{
    TC_REGISTER(0xe000edfcU) |= 1U << 24;   /* DEMCR.TRCENA */
    TC_REGISTER(0xe0001fb0U) = 0xc5acce55U; /* the lock of a Cortex-M7's DWT; elsewhere without effect */
    TC_REGISTER(0xe0001000U) |= 1U;         /* DWT_CTRL.CYCCNTENA */
}

static inline uint32_t tc_counter_read(void)
{
    return TC_REGISTER(0xe0001004U);
}

#elif defined(__ARM_ARCH) && (__ARM_ARCH_PROFILE == 'M')

#define TC_SYSTICK_CONTROL TC_REGISTER(0xe000e010U)
#define TC_SYSTICK_LOAD TC_REGISTER(0xe000e014U)
#define TC_SYSTICK_VALUE TC_REGISTER(0xe000e018U)
#define TC_COUNTER_LAST (TC_SYSTICK_LOAD & 0xffffffU)

static inline void tc_counter_start(void)
{
    if ((TC_SYSTICK_CONTROL & 1U) == 0U) {
        TC_SYSTICK_LOAD = 0xffffffU;
        TC_SYSTICK_VALUE = 0U;
        TC_SYSTICK_CONTROL = 5U; /* the core's clock, no interrupt */
    }
}

static inline uint32_t tc_counter_read(void)
{
    return TC_COUNTER_LAST - TC_SYSTICK_VALUE; /* it counts down */
}

#elif defined(__riscv)

#define TC_COUNTER_LAST 0xffffffffU

#if defined(ESP_PLATFORM)
#include <sdkconfig.h>
#endif

#if defined(CONFIG_IDF_TARGET_ESP32C2) || defined(CONFIG_IDF_TARGET_ESP32C3) || defined(CONFIG_IDF_TARGET_ESP32C6) || \
    defined(CONFIG_IDF_TARGET_ESP32H2)

/* Event 1 of the performance counter is a cycle: ESP32-C3 Technical Reference Manual, mpcer, mpcmr and mpccr. */
static inline void tc_counter_start(void)
{
    __asm__ volatile(".option push\n .option arch, +zicsr\n csrw 0x7e0, %0\n csrw 0x7e1, %0\n .option pop" : : "r"(1));
}

static inline uint32_t tc_counter_read(void)
{
    uint32_t count;
    __asm__ volatile(".option push\n .option arch, +zicsr\n csrr %0, 0x7e2\n .option pop" : "=r"(count));
    return count;
}

#else

static inline void tc_counter_start(void) /* mcountinhibit.CY = 0: some cores start with 1 */
{
    __asm__ volatile(".option push\n .option arch, +zicsr\n csrci 0x320, 1\n .option pop");
}

static inline uint32_t tc_counter_read(void)
{
    uint32_t count;
    __asm__ volatile(".option push\n .option arch, +zicsr\n csrr %0, mcycle\n .option pop" : "=r"(count));
    return count;
}

#endif

#elif defined(__XTENSA__)

#define TC_COUNTER_LAST 0xffffffffU

static inline void tc_counter_start(void)
{
    /* it is always running */
}

static inline uint32_t tc_counter_read(void)
{
    uint32_t count;
    __asm__ volatile("rsr %0, ccount" : "=r"(count));
    return count;
}

#else

#define TC_COUNTER_LAST 0U

static inline void tc_counter_start(void)
{
    /* no counter is known */
}

static inline uint32_t tc_counter_read(void)
{
    return 0;
}

#endif

#endif
