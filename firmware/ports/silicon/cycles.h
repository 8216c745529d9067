/* An unbounded cycle count, from a counter that wraps after milliseconds or seconds and a slower clock that determines
 * the number of wraps. */
#ifndef TC_CYCLES_H
#define TC_CYCLES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t (*counter)(void);      /* cycles; after `last` it starts again at 0 */
    uint32_t (*microseconds)(void); /* modulo 2^32 */
    uint32_t last;
    uint32_t per_second; /* see tc_cycles_start */
    uint32_t counted;    /* the counter when it was last read, and the microseconds then */
    uint32_t then;
    uint64_t total; /* of cycles */
} tc_cycles_t;

/* Measures the counter's speed for a tenth of a second. `nominal`, in Hz, replaces the measurement if that differs by
 * less than a thousandth; 0 if not known. False: it does not count. Sets all but the first three members. */
bool tc_cycles_start(tc_cycles_t *cycles, uint32_t nominal);

/* Cycles since the start. Must be called once in 71 minutes; the slower clock may be wrong by half of the counter's
 * range from one call to the next. */
uint64_t tc_cycles_read(tc_cycles_t *cycles);

#ifdef __cplusplus
}
#endif

#endif
