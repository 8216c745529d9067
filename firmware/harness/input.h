/* The one input of the model and the two ways to load it: `db` (the format of MLPerf Tiny) and `tc` (the int8 tensor
 * with its CRC-32). Both write all bytes of a command or none, and never beyond the buffer. */
#ifndef TC_INPUT_H
#define TC_INPUT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TC_APPEND_MORE,     /* taken, more to come */
    TC_APPEND_DONE,     /* taken, that was the last byte */
    TC_APPEND_IDLE,     /* no load has been announced */
    TC_APPEND_TOO_MUCH, /* more than was announced */
    TC_APPEND_ODD,      /* half a byte */
    TC_APPEND_NOT_HEX
} tc_append_t;

/* A load of `size` bytes begins; one that was under way is forgotten. False: the buffer is smaller. */
bool tc_input_begin_received(uint32_t size);
void tc_input_begin_tensor(uint32_t crc);

tc_append_t tc_input_append_received(const char *hex);
tc_append_t tc_input_append_tensor(const char *hex);

/* Whether the CRC-32 of the tensor is the announced one, once the last byte is in; *crc is what it is. If not, there
 * is no input. */
bool tc_input_check_tensor(uint32_t *crc);

/* Bytes announced by the last `db load` (0 after a tensor was loaded), and the at-th of them as it arrived. */
uint32_t tc_input_received_size(void);
uint8_t tc_input_received(uint32_t at);

/* Makes tc_model.input hold the tensor, converting what arrived; false: nothing, or not all of it, was loaded. */
bool tc_input_prepare(void);

/* The at-th input as a real number: as it arrived, where floats did. */
float tc_input_real(uint32_t at);

#endif
