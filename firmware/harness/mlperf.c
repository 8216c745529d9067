/* Layer 1: the device protocol of MLPerf Tiny (mlcommons/tiny), as used by its public runner. */
#include "input.h"
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "text.h"

#define RUNS_MAX 1000000U /* so that a garbled number cannot keep the device busy for ever */
#define BYTES_A_LINE 8U
#define WARM_UP_RUNS 10U

static void put_timestamp(uint64_t ticks)
{
    const uint32_t second = tc_port_ticks_per_second();
    const uint64_t us = ticks / second * 1000000U + ticks % second * 1000000U / second;
    tc_put_text(TC_TEXT("m-lap-us-"));
    tc_put_number((uint32_t)us);
    tc_put_line_end();
}

void tc_put_timestamp(void)
{
    put_timestamp(tc_port_ticks());
}

bool tc_require_input(void)
{
    if (tc_input_prepare()) {
        return true;
    }
    tc_put_text(TC_TEXT("e-[No complete input: load "));
    tc_put_number(tc_model.received_size);
    tc_put_text(TC_TEXT(" bytes with db, or "));
    tc_put_number(tc_model.input_size);
    tc_put_text(TC_TEXT(" with tc]\r\n"));
    return false;
}

static void profile(void)
{
    tc_put_text(TC_TEXT("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-["));
    tc_put_string(tc_model.profile);
    tc_put_bracket_end();
}

static void help(void)
{
    tc_put_text(TC_TEXT("Commands end with %: name, profile, timestamp, results\r\n"
                        "db load N, db HEX, db print: the input, in the format of MLPerf Tiny\r\n"
                        "infer N [W]: N inferences after W (10) for warming up\r\n"
                        "tc sync X, tc info, tc load N CRC, tc HEX, tc run, tc output,\r\n"
                        "tc tensor I, tc checksums, tc nodes, tc stack\r\n"));
}

/* Summed like in the reference firmware of ad01: in floats, from the first element to the last. */
static float squared_error(void)
{
    float sum = 0.0F;
    for (uint32_t i = 0; i < tc_model.output_count; i++) {
        const float difference = tc_model.real_output(i) - tc_input_real(i);
        sum += difference * difference;
    }
    return sum / (float)(int32_t)tc_model.output_count;
}

static void put_outputs(void)
{
    for (uint32_t i = 0; i < tc_model.output_count; i++) {
        if (i > 0U) {
            tc_port_write(',');
        }
        tc_put_fixed(tc_model.real_output(i));
    }
}

static void results(void)
{
    tc_put_text(TC_TEXT("m-results-["));
    if (tc_model.results == TC_RESULTS_SQUARED_ERROR) {
        tc_put_fixed(squared_error());
    } else {
        put_outputs();
    }
    tc_put_bracket_end();
}

static void load(const char *number)
{
    uint32_t size;
    if (!tc_parse_number(number, &size) || size == 0U) {
        tc_put_text(TC_TEXT("e-[Command 'db load' must be >0 bytes]\r\n"));
    } else if (!tc_input_begin_received(size)) {
        tc_put_text(TC_TEXT("e-[Command 'db load' must be at most "));
        tc_put_number(tc_model.received_size);
        tc_put_text(TC_TEXT(" bytes]\r\n"));
    } else {
        tc_put_text(TC_TEXT("m-[Expecting "));
        tc_put_number(size);
        tc_put_text(TC_TEXT(" bytes]\r\n"));
    }
}

static void print(void)
{
    const uint32_t size = tc_input_received_size();
    for (uint32_t i = 0; i < size; i++) {
        if (i % BYTES_A_LINE == 0U) {
            tc_put_text(TC_TEXT("m-buffer"));
        }
        tc_port_write('-');
        tc_put_hex8(tc_input_received(i));
        if (i % BYTES_A_LINE == BYTES_A_LINE - 1U || i == size - 1U) {
            tc_put_line_end();
        }
    }
}

static void append(const char *hex)
{
    switch (tc_input_append_received(hex)) {
    case TC_APPEND_MORE:
        break;
    case TC_APPEND_DONE:
        tc_put_text(TC_TEXT("m-load-done\r\n"));
        break;
    case TC_APPEND_IDLE:
        tc_put_text(TC_TEXT("e-[Bytes before 'db load']\r\n"));
        break;
    case TC_APPEND_TOO_MUCH:
        tc_put_text(TC_TEXT("e-[More bytes than 'db load' announced]\r\n"));
        break;
    case TC_APPEND_ODD:
        tc_put_text(TC_TEXT("e-[Odd number of hex digits]\r\n"));
        break;
    case TC_APPEND_NOT_HEX:
        tc_put_text(TC_TEXT("e-[Invalid hex digit]\r\n"));
        break;
    }
}

static void buffer(const tc_command_t *command)
{
    const bool loads = command->count > 1U && tc_text_equal(command->word[1], TC_TEXT("load"));
    if (command->count == 1U) {
        tc_put_text(TC_TEXT("e-[Command 'db' requires a subcommand]\r\n"));
    } else if (loads && command->count == 2U) {
        tc_put_text(TC_TEXT("e-[Command 'db load' requires the # of bytes]\r\n"));
    } else if (command->count > (loads ? 3U : 2U)) {
        tc_put_text(TC_TEXT("e-[Command 'db' with too many words]\r\n"));
    } else if (loads) {
        load(command->word[2]);
    } else if (tc_text_equal(command->word[1], TC_TEXT("print"))) {
        print();
    } else {
        append(command->word[1]);
    }
}

static void put_started(const char *text, uint32_t runs)
{
    tc_put_text(text);
    tc_put_number(runs);
    tc_put_line_end();
}

static void run(uint32_t runs, uint32_t warm_up_runs)
{
    put_started(TC_TEXT("m-warmup-start-"), warm_up_runs);
    for (uint32_t i = 0; i < warm_up_runs; i++) {
        tc_model.invoke();
    }
    tc_put_text(TC_TEXT("m-warmup-done\r\n"));
    put_started(TC_TEXT("m-infer-start-"), runs);
    const uint64_t start = tc_port_ticks();
    for (uint32_t i = 0; i < runs; i++) {
        tc_model.invoke();
    }
    const uint64_t end = tc_port_ticks();
    put_timestamp(start); /* sent after the second reading, as sending takes time */
    put_timestamp(end);
    tc_put_text(TC_TEXT("m-infer-done\r\n"));
    results();
}

static void infer(const tc_command_t *command)
{
    uint32_t runs = 1;
    uint32_t warm_up_runs = WARM_UP_RUNS;
    if (command->count > 3U) {
        tc_put_text(TC_TEXT("e-[Command 'infer' with too many words]\r\n"));
    } else if (command->count > 1U && (!tc_parse_number(command->word[1], &runs) || runs == 0U)) {
        tc_put_text(TC_TEXT("e-[Inference iterations must be >0]\r\n"));
    } else if (command->count > 2U && !tc_parse_number(command->word[2], &warm_up_runs)) {
        tc_put_text(TC_TEXT("e-[Inference warmup must be >=0]\r\n"));
    } else if (runs > RUNS_MAX || warm_up_runs > RUNS_MAX) {
        tc_put_text(TC_TEXT("e-[At most 1000000 inferences]\r\n"));
    } else if (!tc_model.keeps_input && (runs > 1U || warm_up_runs > 0U)) {
        tc_put_text(TC_TEXT("e-[RAM is too small to keep the input: load it for each 'infer 1 0']\r\n"));
    } else if (tc_require_input()) {
        run(runs, warm_up_runs);
        tc_input_used();
    }
}

bool tc_mlperf_command(const tc_command_t *command)
{
    const char *const verb = command->word[0];
    if (tc_text_equal(verb, TC_TEXT("db"))) {
        buffer(command);
    } else if (tc_text_equal(verb, TC_TEXT("infer"))) {
        infer(command);
    } else if (tc_text_equal(verb, TC_TEXT("results"))) {
        results();
    } else if (tc_text_equal(verb, TC_TEXT("name"))) {
        tc_put_text(TC_TEXT("m-name-dut-[tinycomp]\r\n"));
    } else if (tc_text_equal(verb, TC_TEXT("profile"))) {
        profile();
    } else if (tc_text_equal(verb, TC_TEXT("timestamp"))) {
        tc_put_timestamp();
    } else if (tc_text_equal(verb, TC_TEXT("help"))) {
        help();
    } else {
        return false;
    }
    return true;
}
