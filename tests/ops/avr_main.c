/* Runs every sample through the library unit_, and prints the outputs as lines of = and hexadecimal digits. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "samples.h" /* SAMPLE_COUNT, samples */
#include "unit.h"

#define BYTES_A_LINE 64 /* simavr breaks lines that are longer than 255 characters */

static unit_arena_t arena;

static void put(char character)
{
    while ((UCSR0A & _BV(UDRE0)) == 0) {
    }
    UDR0 = (uint8_t)character;
}

static void put_hex(uint8_t byte)
{
    put("0123456789abcdef"[byte >> 4]);
    put("0123456789abcdef"[byte & 15]);
}

int main(void)
{
    UCSR0B = _BV(TXEN0);
    for (uint16_t i = 0; i < SAMPLE_COUNT; i++) {
        int8_t *const output = unit_output(&arena);
        memcpy_P(unit_input(&arena), samples[i], sizeof samples[i]);
        unit_invoke(&arena, unit_input(&arena), output);
        for (uint16_t j = 0; j < UNIT_OUTPUT_SIZE; j++) {
            if (j % BYTES_A_LINE == 0) {
                put('\n');
                put('=');
            }
            put_hex((uint8_t)output[j]);
        }
    }
    put('\n');
    cli();
    sleep_mode(); /* with interrupts off: simavr ends */
    return 0;
}
