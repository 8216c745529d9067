/* Text in and out, without stdio: literals are in flash (flash.h), numbers are formatted digit by digit. */
#ifndef TC_TEXT_H
#define TC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flash.h"

void tc_put_text(const char *text);     /* a TC_TEXT */
void tc_put_string(const char *string); /* string in RAM */
void tc_put_line_end(void);
void tc_put_number(uint64_t number);
void tc_put_hex8(uint8_t byte);
void tc_put_hex32(uint32_t number);
void tc_put_fixed(float number); /* like %.3f of printf, with at most 15 digits before the point */

/* Lines of one to four values: "m-x-[a,b]" is tc_put_text(TC_TEXT("m-x-[")), numbers, tc_put_bracket_end(). */
void tc_put_comma_number(uint64_t number);
void tc_put_bracket_end(void);

bool tc_text_equal(const char *string, const char *text);

/* Decimal digits; saturates at UINT32_MAX. False if empty or if there is any other character. */
bool tc_parse_number(const char *string, uint32_t *number);

/* 1 to 8 hexadecimal digits. */
bool tc_parse_hex32(const char *string, uint32_t *number);

/* The value of a hexadecimal digit of either case, or -1. */
int tc_hex_digit(char c);

#endif
