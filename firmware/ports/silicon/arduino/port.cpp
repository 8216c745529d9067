/* Any board with an Arduino core: Serial as the line, and the core's cycle counter as the clock; micros() where there is
 * none. AVR chips with a 16-bit timer 1 count cycles with that, and sleep while they wait for a byte. */
#include "port.h"

#include <Arduino.h>

#include "counter.h"
#include "cycles.h"

#if defined(__AVR__) && defined(TCCR1B) && defined(TIMSK0)
#include <avr/sleep.h>
#define USES_TIMER_1
#endif

#if defined(USES_TIMER_1)
static volatile uint32_t overflows;

ISR(TIMER1_OVF_vect)
{
    overflows++;
}

/* Turns off timer 0, whose interrupt (for millis(), not used here) would be measured with the inference. Timer 1's own
 * interrupt takes some 60 of 65536 cycles. */
static void start_clock(void)
{
    TIMSK0 = 0;
    TCCR1A = 0;
    TCCR1B = _BV(CS10);
    TIMSK1 = _BV(TOIE1);
}

/* Waits until the line is idle first: sending causes interrupts too. */
extern "C" uint64_t tc_port_ticks(void)
{
    Serial.flush();
    const uint8_t status = SREG;
    cli();
    const uint16_t low = TCNT1;
    uint32_t high = overflows;
    if ((TIFR1 & _BV(TOV1)) != 0 && low < 0x8000U) {
        high++;
    }
    SREG = status;
    return (uint64_t)high << 16 | low;
}

extern "C" const char *tc_port_tick_unit(void)
{
    return "cycles";
}

extern "C" uint32_t tc_port_ticks_per_second(void)
{
    return F_CPU;
}

extern "C" const char *tc_port_interrupts(void)
{
#if defined(USBCON)
    return "counted"; /* USB interrupts once a millisecond */
#else
    return "clock";
#endif
}

/* Interrupts are disabled until the sleep begins, so a byte between the test and the sleep still wakes the chip. */
static void wait(void)
{
    cli();
    if (Serial.available() <= 0) {
        sleep_enable(); /* the mode is idle, the default after reset: the UART keeps running */
        sei();
        sleep_cpu();
        sleep_disable();
    }
    sei();
}
#else
static uint32_t counter(void)
{
    return tc_counter_read();
}

static uint32_t microseconds(void)
{
    return micros();
}

static tc_cycles_t cycles = {counter, microseconds, 0, 0, 0, 0, 0};
static bool counts_cycles;

static void start_clock(void)
{
    tc_counter_start();
    cycles.last = TC_COUNTER_LAST;
#if defined(F_CPU)
    counts_cycles = cycles.last != 0U && tc_cycles_start(&cycles, F_CPU);
#else
    counts_cycles = cycles.last != 0U && tc_cycles_start(&cycles, 0);
#endif
}

/* Waits until the line is idle first: sending causes interrupts too. micros() wraps after 71 minutes; no inference takes
 * that long. */
extern "C" uint64_t tc_port_ticks(void)
{
    static uint32_t before;
    static uint64_t total;
    Serial.flush();
    if (counts_cycles) {
        return tc_cycles_read(&cycles);
    }
    const uint32_t now = micros();
    total += now - before;
    before = now;
    return total;
}

extern "C" const char *tc_port_tick_unit(void)
{
    return counts_cycles ? "cycles" : "microseconds";
}

extern "C" uint32_t tc_port_ticks_per_second(void)
{
    return counts_cycles ? cycles.per_second : 1000000UL;
}

extern "C" const char *tc_port_interrupts(void)
{
    return "counted";
}

static void wait(void)
{
    yield();
}
#endif

extern "C" void tc_port_init(void)
{
    Serial.begin(TC_BAUD);
    while (!Serial) { /* on boards with native USB: until a host opens the port */
        yield();
    }
    start_clock();
}

extern "C" int tc_port_read(void)
{
    while (Serial.available() <= 0) {
        wait();
    }
    return Serial.read();
}

extern "C" void tc_port_write(char byte)
{
    Serial.write((uint8_t)byte);
}

extern "C" uint32_t tc_port_receive_window(void)
{
    return 0;
}

#if defined(__AVR__)
extern char __heap_start;
extern char *__brkval;

extern "C" uint8_t *tc_port_stack_limit(void)
{
    return (uint8_t *)(__brkval != NULL ? __brkval : &__heap_start);
}
#elif defined(ESP32)
extern "C" uint8_t *tc_port_stack_limit(void)
{
    return pxTaskGetStackStart(NULL);
}
#else
/* Stack that every core leaves free below setup(); its end is not known here, but the loop task has at least 4 KB. */
#ifndef TC_STACK_WINDOW
#define TC_STACK_WINDOW 2048U
#endif

extern "C" uint8_t *tc_port_stack_limit(void)
{
    uint8_t here;
    uint8_t *volatile const top = &here;
    return top - TC_STACK_WINDOW;
}
#endif
