/* Just enough of an Arduino core to check that a sketch is C++, and to run its setup and one loop on this computer. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

class __FlashStringHelper;
#define F(text) reinterpret_cast<const __FlashStringHelper *>(text)

static inline unsigned long micros()
{
    static unsigned long now;
    return now += 1000;
}

static inline void delay(unsigned long)
{
}

static inline void yield()
{
}

struct Stream {
    void begin(unsigned long baud) { printf("[%lu baud]", baud); }
    explicit operator bool() const { return true; }
    void flush() {}
    int available() { return 0; }
    int read() { return -1; }
    size_t write(uint8_t byte) { return putchar(byte) == EOF ? 0 : 1; }
    void print(const __FlashStringHelper *text) { fputs(reinterpret_cast<const char *>(text), stdout); }
    void print(char character) { putchar(character); }
    void print(unsigned long number) { printf("%lu", number); }
    void print(double number, int digits) { printf("%.*f", digits, number); }
    void println(const __FlashStringHelper *text) { puts(reinterpret_cast<const char *>(text)); }
};

static Stream Serial;

#endif
