/* The part of a window inside the input, along one axis; 16-bit arithmetic where int has 16 bits. */
#ifndef TINYCOMP_SPAN_AVR_H
#define TINYCOMP_SPAN_AVR_H

#include "tinycomp.h"

/* Cells [begin, end) of the window are inside; the others are beyond a border. */
typedef struct {
    uint8_t begin, end;
} tc_avr_span_t;

/* A window of `kernel` cells, the first one at `origin`, over an input of `size` cells. */
static inline tc_avr_span_t tc_avr_span(int origin, int size, uint8_t kernel)
{
    tc_avr_span_t span = {0, kernel};
    if (origin < 0) {
        span.begin = -origin < kernel ? (uint8_t)-origin : kernel;
    }
    if (size - origin < kernel) {
        span.end = size - origin > span.begin ? (uint8_t)(size - origin) : span.begin;
    }
    return span;
}

#endif
