/* Collects a command and passes it to the layer that implements it. Malformed commands (too long, not printable, too
 * many words) are rejected here. */
#include "protocol.h"

#include "text.h"

static struct {
    char text[TC_COMMAND_SIZE + 1];
    uint8_t length;
    bool too_long;
    bool garbled;
} line;

void tc_put_ready(void)
{
    tc_put_text(TC_TEXT("m-ready\r\n"));
}

/* Splits words at spaces, in place; false: too many words. */
static bool split(char *text, tc_command_t *command)
{
    command->count = 0;
    for (char *c = text; *c != '\0';) {
        if (*c == ' ') {
            *c++ = '\0';
            continue;
        }
        if (command->count == TC_WORDS_MAX) {
            return false;
        }
        command->word[command->count++] = c;
        while (*c != '\0' && *c != ' ') {
            c++;
        }
    }
    return true;
}

static void carry_out(void)
{
    tc_command_t command;
    if (line.garbled) {
        tc_put_text(TC_TEXT("e-[Command with a byte that is not printable ASCII]\r\n"));
    } else if (line.too_long) {
        tc_put_text(TC_TEXT("e-[Command longer than 80 characters]\r\n"));
    } else if (!split(line.text, &command)) {
        tc_put_text(TC_TEXT("e-[Command of more than 4 words]\r\n"));
    } else if (command.count == 0U) {
        return; /* a lone '%' discards the unfinished command of a host that vanished */
    } else if (!tc_mlperf_command(&command) && !tc_inspect_command(&command)) {
        tc_put_text(TC_TEXT("e-[Unknown command: "));
        tc_put_string(command.word[0]);
        tc_put_bracket_end();
    }
}

void tc_protocol_receive(uint8_t byte)
{
    if (byte == (uint8_t)'%') {
        line.text[line.length] = '\0';
        carry_out();
        tc_put_ready();
        line.length = 0;
        line.too_long = false;
        line.garbled = false;
    } else if (byte == (uint8_t)'\r' || byte == (uint8_t)'\n') {
        return; /* sent by terminals; not part of the grammar */
    } else if (byte < 0x20U || byte > 0x7eU) {
        line.garbled = true;
    } else if (line.length == TC_COMMAND_SIZE) {
        line.too_long = true;
    } else {
        line.text[line.length++] = (char)byte;
    }
}
