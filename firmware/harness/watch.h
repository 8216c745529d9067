/* Observes one inference, compiled with hooks. No hook reports tensor 0, the model's input: it is tc_model.input(). */
#ifndef TC_WATCH_H
#define TC_WATCH_H

#include <stdint.h>

/* Fills tc_model.trace[node].ticks. */
void tc_watch_ticks(void);

/* Fills tc_model.trace[tensor].checksum, including tensor 0. A tensor that no node reports has size 0. */
void tc_watch_checksums(void);

/* Calls `take` for each part of one tensor, in the order in which the inference computes them. */
void tc_watch_tensor(uint16_t tensor, void (*take)(uint32_t offset, const int8_t *data, uint32_t size));

#endif
