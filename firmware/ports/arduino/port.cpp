/* Any board with an Arduino core (AVR, ESP32, ...): Serial and micros(). */
#include <Arduino.h>

#include "port.h"

#define BAUD 115200

static uint32_t last_micros;
static uint32_t wraps;

extern "C" void tc_port_init(void)
{
    Serial.begin(BAUD);
    while (!Serial) { /* boards whose USB is the line: until a host opens it */
        yield();
    }
}

extern "C" int tc_port_read(void)
{
    while (Serial.available() <= 0) {
        yield();
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

/* micros() wraps after 71 minutes; no inference takes as long. */
extern "C" uint64_t tc_port_ticks(void)
{
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
