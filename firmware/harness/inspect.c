/* Layer 2: development commands beyond MLPerf Tiny. Every command starts with the word `tc`, every reply line with
 * m-tc-. */
#include "crc32.h"
#include "input.h"
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "stack.h"
#include "text.h"
#include "watch.h"

#define BYTES_A_LINE 64U

static struct {
    uint32_t crc;
    uint32_t size;
} sent;

static void put_name(const char *label, const char *value)
{
    tc_put_text(label);
    tc_put_string(value);
    tc_put_bracket_end();
}

static void put_value(const char *label, uint64_t value)
{
    tc_put_text(label);
    tc_put_number(value);
    tc_put_bracket_end();
}

static void info(void)
{
    put_value(TC_TEXT("m-tc-protocol-["), TC_PROTOCOL);
    put_name(TC_TEXT("m-tc-model-["), tc_model.name);
    put_name(TC_TEXT("m-tc-hash-["), tc_model.hash);
    put_name(TC_TEXT("m-tc-generator-["), tc_model.generator);
    put_name(TC_TEXT("m-tc-unit-["), tc_port_tick_unit());
    put_value(TC_TEXT("m-tc-ticks-per-second-["), tc_port_ticks_per_second());
    put_name(TC_TEXT("m-tc-interrupts-["), tc_port_interrupts());
    put_value(TC_TEXT("m-tc-input-["), tc_model.input_size);
    put_value(TC_TEXT("m-tc-output-["), tc_model.output_size);
    put_value(TC_TEXT("m-tc-arena-["), tc_model.arena_size);
    put_value(TC_TEXT("m-tc-scratch-["), tc_model.scratch_size);
    put_value(TC_TEXT("m-tc-nodes-["), tc_model.node_count);
    put_value(TC_TEXT("m-tc-tensors-["), tc_model.tensor_count);
    put_value(TC_TEXT("m-tc-window-["), tc_port_receive_window());
    if (!tc_model.keeps_input) {
        tc_put_text(TC_TEXT("m-tc-input-used-up\r\n"));
    }
}

static void load(const char *number, const char *crc_digits)
{
    uint32_t size;
    uint32_t crc;
    if (!tc_parse_number(number, &size) || !tc_parse_hex32(crc_digits, &crc)) {
        tc_put_text(TC_TEXT("e-[Command 'tc load' requires the # of bytes and their CRC-32]\r\n"));
    } else if (size != tc_model.input_size) {
        put_value(TC_TEXT("e-[Command 'tc load': the input's size in bytes is "), tc_model.input_size);
    } else {
        tc_input_begin_tensor(crc);
        put_value(TC_TEXT("m-tc-expecting-["), size);
    }
}

static void loaded(void)
{
    uint32_t crc;
    const bool good = tc_input_check_tensor(&crc);
    tc_put_text(good ? TC_TEXT("m-tc-loaded-[") : TC_TEXT("e-[CRC mismatch, the input's is "));
    tc_put_hex32(crc);
    tc_put_bracket_end();
}

static void append(const char *hex)
{
    switch (tc_input_append_tensor(hex)) {
    case TC_APPEND_MORE:
        break;
    case TC_APPEND_DONE:
        loaded();
        break;
    case TC_APPEND_IDLE:
        tc_put_text(TC_TEXT("e-[Bytes before 'tc load', or an unknown 'tc' command]\r\n"));
        break;
    case TC_APPEND_TOO_MUCH:
        tc_put_text(TC_TEXT("e-[More bytes than 'tc load' announced]\r\n"));
        break;
    case TC_APPEND_ODD:
        tc_put_text(TC_TEXT("e-[Odd number of hex digits]\r\n"));
        break;
    case TC_APPEND_NOT_HEX:
        tc_put_text(TC_TEXT("e-[Invalid hex digit, or an unknown 'tc' command]\r\n"));
        break;
    }
}

/* The first two readings measure the cost of reading the clock, which is subtracted. */
static void run(void)
{
    const uint64_t first = tc_port_ticks();
    const uint64_t start = tc_port_ticks();
    tc_model.invoke();
    const uint64_t taken = tc_port_ticks() - start;
    const uint64_t overhead = start - first;
    put_value(TC_TEXT("m-tc-run-["), taken > overhead ? taken - overhead : 0U);
}

static void send_part(uint32_t offset, const int8_t *data, uint32_t size)
{
    sent.crc = tc_crc32(sent.crc, (const uint8_t *)data, size);
    sent.size += size;
    for (uint32_t i = 0; i < size; i++) {
        if (i % BYTES_A_LINE == 0U) {
            tc_put_text(TC_TEXT("m-tc-data-["));
            tc_put_number(offset + i);
            tc_port_write(',');
        }
        tc_put_hex8((uint8_t)data[i]);
        if (i % BYTES_A_LINE == BYTES_A_LINE - 1U || i == size - 1U) {
            tc_put_bracket_end();
        }
    }
}

static void send_end(void)
{
    tc_put_text(TC_TEXT("m-tc-sent-["));
    tc_put_number(sent.size);
    tc_port_write(',');
    tc_put_hex32(sent.crc);
    tc_put_bracket_end();
    sent.size = 0;
    sent.crc = 0;
}

static void tensor(const char *number)
{
    uint32_t index;
    if (!tc_parse_number(number, &index) || index >= tc_model.tensor_count) {
        put_value(TC_TEXT("e-[Command 'tc tensor' requires a number below "), tc_model.tensor_count);
    } else if (tc_require_input()) {
        tc_watch_tensor((uint16_t)index, send_part);
        tc_input_used();
        send_end();
    }
}

static void checksums(void)
{
    tc_watch_checksums();
    for (uint16_t i = 0; i < tc_model.tensor_count; i++) {
        const tc_trace_t *const trace = &tc_model.trace[i];
        tc_put_text(TC_TEXT("m-tc-checksum-["));
        tc_put_number(i);
        if (trace->checksum.size == TC_UNORDERED) {
            tc_put_text(TC_TEXT(",unordered"));
        } else {
            tc_put_comma_number(trace->checksum.size);
            tc_port_write(',');
            tc_put_hex32(trace->checksum.crc);
        }
        tc_put_bracket_end();
    }
}

static void nodes(void)
{
    tc_watch_ticks();
    for (uint16_t i = 0; i < tc_model.node_count; i++) {
        tc_put_text(TC_TEXT("m-tc-node-["));
        tc_put_number(i);
        tc_put_comma_number(tc_model.trace[i].ticks);
        tc_put_bracket_end();
    }
}

static void stack(void)
{
    uint32_t depth;
    if (tc_stack_measure(tc_model.invoke, &depth)) {
        put_value(TC_TEXT("m-tc-stack-["), depth);
    } else {
        tc_put_text(TC_TEXT("m-tc-stack-[unknown]\r\n"));
    }
}

/* Commands of one word after `tc` that need an input. */
static bool run_command(const char *word)
{
    void (*action)(void) = NULL;
    if (tc_text_equal(word, TC_TEXT("run"))) {
        action = run;
    } else if (tc_text_equal(word, TC_TEXT("checksums"))) {
        action = checksums;
    } else if (tc_text_equal(word, TC_TEXT("nodes"))) {
        action = nodes;
    } else if (tc_text_equal(word, TC_TEXT("stack"))) {
        action = stack;
    }
    if (action != NULL && tc_require_input()) {
        action();
        tc_input_used();
    }
    return action != NULL;
}

static void one_word(const char *word)
{
    if (tc_text_equal(word, TC_TEXT("info"))) {
        info();
    } else if (tc_text_equal(word, TC_TEXT("output"))) {
        send_part(0, tc_model.output, tc_model.output_size);
        send_end();
    } else if (!run_command(word)) {
        append(word);
    }
}

bool tc_inspect_command(const tc_command_t *command)
{
    const char *const *const word = command->word;
    if (!tc_text_equal(word[0], TC_TEXT("tc"))) {
        return false;
    }
    if (command->count == 2U) {
        one_word(word[1]);
    } else if (command->count == 3U && tc_text_equal(word[1], TC_TEXT("sync"))) {
        put_name(TC_TEXT("m-tc-sync-["), word[2]);
    } else if (command->count == 3U && tc_text_equal(word[1], TC_TEXT("tensor"))) {
        tensor(word[2]);
    } else if (command->count == 4U && tc_text_equal(word[1], TC_TEXT("load"))) {
        load(word[2], word[3]);
    } else {
        tc_put_text(TC_TEXT("e-[Unknown 'tc' command, or a wrong number of words]\r\n"));
    }
    return true;
}
