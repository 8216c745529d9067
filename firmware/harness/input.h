/* The model's input and the two ways to load it: `db` (the format of MLPerf Tiny) and `tc` (the int8 tensor with its
 * CRC-32). Both take all bytes of a command or none, and never write beyond the buffer. */
#ifndef TC_INPUT_H
#define TC_INPUT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TC_APPEND_MORE,     /* accepted, more to come */
    TC_APPEND_DONE,     /* accepted, that was the last byte */
    TC_APPEND_IDLE,     /* no load has been announced */
    TC_APPEND_TOO_MUCH, /* more than was announced */
    TC_APPEND_ODD,      /* odd number of hex digits */
    TC_APPEND_NOT_HEX
} tc_append_t;

/* Begins a load of `size` bytes and discards an unfinished one. False: the buffer is smaller. */
bool tc_input_begin_received(uint32_t size);
void tc_input_begin_tensor(uint32_t crc);

tc_append_t tc_input_append_received(const char *hex);
tc_append_t tc_input_append_tensor(const char *hex);

/* After the last byte: whether the tensor's CRC-32, written to *crc, is the announced one. If not, there is no
 * input. */
bool tc_input_check_tensor(uint32_t *crc);

/* Bytes announced by the last `db load` (0 after a tensor was loaded), and byte `at` of them as received. */
uint32_t tc_input_received_size(void);
uint8_t tc_input_received(uint32_t at);

/* Converts the received bytes to the tensor in tc_model.input(); false: no input, or an incomplete one, was loaded. */
bool tc_input_prepare(void);

/* After an inference: if it has overwritten the input, there is none until the next load. */
void tc_input_used(void);

/* Input element `at` as a real number: as received if floats were, else dequantized. */
float tc_input_real(uint32_t at);

#endif
