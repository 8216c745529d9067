/* The grammar: a command is at most 80 characters, words separated by spaces, and ends with '%'; every reply ends with
 * the line m-ready. docs/serial.md describes both layers of commands. */
#ifndef TC_PROTOCOL_H
#define TC_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#define TC_PROTOCOL 1      /* format of the tc commands and their replies; tc info sends it */
#define TC_COMMAND_SIZE 80 /* characters before the '%' */
#define TC_WORDS_MAX 4

typedef struct {
    const char *word[TC_WORDS_MAX];
    uint8_t count; /* at least 1 */
} tc_command_t;

/* Takes the next received byte; executes the command and replies if it was the last one. */
void tc_protocol_receive(uint8_t byte);

void tc_put_ready(void);

/* The two layers of commands; false: not one of the layer's commands. */
bool tc_mlperf_command(const tc_command_t *command);
bool tc_inspect_command(const tc_command_t *command);

/* Sends the line m-lap-us-<microseconds>, modulo 2^32. */
void tc_put_timestamp(void);

/* tc_input_prepare, which sends an error line if there is no input. */
bool tc_require_input(void);

#endif
