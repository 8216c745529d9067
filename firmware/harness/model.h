/* Description of the model for the harness: the constant `tc_model`, defined in the generated tc_model.c.
 *
 * Buffers belong to tc_model.c and are not thread safe; only the arena counts as the library's RAM. */
#ifndef TC_MODEL_H
#define TC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Format of an input element in `db` commands. `tc` commands always carry the tensor itself. */
typedef enum {
    TC_INPUT_INT8,   /* the tensor */
    TC_INPUT_UINT8,  /* the tensor plus 128, as images are */
    TC_INPUT_FLOAT32 /* little endian, quantized on the device */
} tc_input_format_t;

/* What `results` and `infer` print. */
typedef enum {
    TC_RESULTS_OUTPUT,       /* every output, dequantized */
    TC_RESULTS_SQUARED_ERROR /* of a reconstruction: the mean squared error between outputs and real inputs */
} tc_results_t;

/* Measurement of one node or one tensor of a watched inference; never used for both at once. */
typedef union {
    uint64_t ticks;
    struct {
        uint32_t crc;
        uint32_t size; /* bytes seen so far, or TC_UNORDERED */
    } checksum;
} tc_trace_t;

#define TC_UNORDERED UINT32_MAX /* parts of the tensor came out of order: there is no CRC */

typedef struct {
    const char *name;      /* the library's prefix */
    const char *profile;   /* kws01, vww01, ic01, ad01, sww01, or the name */
    const char *hash;      /* sha256 of the .tflite, hexadecimal */
    const char *generator; /* version */
    uint32_t input_size;   /* bytes of the tensors */
    uint32_t output_size;
    uint32_t input_count; /* values of the tensors */
    uint32_t output_count;
    uint32_t arena_size; /* scratch included */
    uint32_t scratch_size;
    uint16_t node_count;
    uint16_t tensor_count; /* the model's input is tensor 0 */
    tc_input_format_t input_format;
    uint8_t *(*received)(void); /* input as received by `db`: the tensor, or input_count values of input_format */
    uint32_t received_size;
    int8_t *(*input)(void); /* the same memory as received, unless the format is TC_INPUT_FLOAT32 */
    bool keeps_input;       /* false: an inference overwrites its input, as RAM is short */
    int8_t *output;
    tc_trace_t *trace;                         /* max(node_count, tensor_count) cells */
    void (*invoke)(void);                      /* input to output: the measured library, without hooks */
    void (*invoke_watched)(void);              /* the same source compiled with the hooks below */
    void (*store_input)(float x, uint32_t at); /* x: real value of input element `at` */
    float (*real_output)(uint32_t at);
    float (*real_input)(uint32_t at);
    tc_results_t results;
} tc_model_t;

extern const tc_model_t tc_model;

/* Bytes of RAM, where they may be too few for the harness's own copy of the input; and the bytes that harness,
 * Arduino's core and stack take, besides the variables of tc_model.c. */
#ifdef __AVR__
#include <avr/io.h>
#define TC_RAM (RAMEND - RAMSTART + 1UL)
#define TC_HARNESS_RAM 784U
#endif

/* Hooks of the watched inference. data: bytes [offset, offset + size) of a tensor, valid only during the call. */
void tc_step_begin(uint16_t node);
void tc_step_stop(void); /* ends the time of the step: what tc_step_end is given is computed afterwards */
void tc_step_end(uint16_t node, uint16_t tensor, uint32_t offset, const int8_t *data, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
