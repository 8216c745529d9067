/* The part of a sliding window inside the input, along one axis. */
#ifndef TINYCOMP_WINDOW_H
#define TINYCOMP_WINDOW_H

#include "tinycomp.h"

/* Cells [begin, end) of the window are inside; the others are beyond a border. */
typedef struct {
    uint16_t begin, end;
} tc_span_t;

/* A window of `kernel` cells, `dilation` apart, the first one at `origin`, over an input of `size` cells. */
static inline tc_span_t tc_span(int32_t origin, uint16_t size, uint16_t kernel, uint8_t dilation)
{
    tc_span_t span;
    int32_t position = origin;
    span.begin = 0;
    span.end = kernel;
    while (position < 0 && span.begin < kernel) {
        span.begin++;
        position += dilation;
    }
    position = origin + (int32_t)(kernel - 1) * dilation;
    while (position >= size && span.end > span.begin) {
        span.end--;
        position -= dilation;
    }
    return span;
}

/* Whether rows y, y + dilation, ... of a window of `kernel` rows, all inside the input, are evenly spaced in the
 * ring. */
static inline int tc_rows_are_linear(const tc_input_t *in, uint16_t y, unsigned reach)
{
    return tc_slot(y, TC_RING(in)) + reach < TC_RING(in);
}

#endif
