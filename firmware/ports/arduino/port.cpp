/* Any board with an Arduino core (AVR, ESP32, ...): Serial as the line, micros() as the clock. AVR chips with a 16-bit
 * timer 1 use it to count cycles, and sleep while they wait for a byte. */
#include <Arduino.h>

#include "port.h"

#if defined(__AVR__) && defined(TCCR1B) && defined(TIMSK0)
#include <avr/sleep.h>
#define COUNTS_CYCLES
#endif

#if defined(COUNTS_CYCLES)
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
static void start_clock(void)
{
}

/* micros() wraps after 71 minutes; no inference takes that long. */
extern "C" uint64_t tc_port_ticks(void)
{
    static uint32_t last_micros;
    static uint32_t wraps;
    const uint32_t now = micros();
    wraps += now < last_micros ? 1U : 0U;
    last_micros = now;
    return ((uint64_t)wraps << 32) | now;
}

extern "C" const char *tc_port_tick_unit(void)
{
    return "microseconds";
}

extern "C" uint32_t tc_port_ticks_per_second(void)
{
    return 1000000UL;
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
extern "C" uint8_t *tc_port_stack_limit(void)
{
    return NULL;
}
#endif
