/* Text in and out: see text.h. */
#include "text.h"

#include "port.h"

void tc_put_text(const char *text)
{
    for (char c = TC_FLASH_CHAR(text); c != '\0'; c = TC_FLASH_CHAR(text)) {
        tc_port_write(c);
        text++;
    }
}

void tc_put_string(const char *string)
{
    while (*string != '\0') {
        tc_port_write(*string++);
    }
}

void tc_put_line_end(void)
{
    tc_port_write('\r');
    tc_port_write('\n');
}

void tc_put_number(uint64_t number)
{
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(number % 10U));
        number /= 10U;
    } while (number != 0U);
    tc_put_string(&digits[at]);
}

static void put_digit(uint8_t value)
{
    tc_port_write((char)(value < 10U ? '0' + value : 'a' + value - 10));
}

void tc_put_hex8(uint8_t byte)
{
    put_digit((uint8_t)(byte >> 4));
    put_digit((uint8_t)(byte & 15U));
}

void tc_put_hex32(uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        tc_put_hex8((uint8_t)(number >> shift));
    }
}

/* Exact: the fraction of a float times 2^53 is an integer; smaller floats cannot round up. */
void tc_put_fixed(float number)
{
    const float limit = 9e14F;
    float magnitude = number < 0.0F ? -number : number;
    if (!(magnitude < limit)) { /* written so that NaN takes this branch too */
        magnitude = limit;
    }
    uint64_t whole = (uint64_t)magnitude;
    const uint64_t scaled = (uint64_t)((magnitude - (float)whole) * 9007199254740992.0F) * 1000U;
    const uint64_t half = UINT64_C(1) << 52;
    const uint64_t below = scaled % (2U * half);
    uint32_t thousandths = (uint32_t)(scaled >> 53);
    if (below > half || (below == half && thousandths % 2U != 0U)) { /* ties to even */
        thousandths++;
    }
    whole += thousandths / 1000U;
    thousandths %= 1000U;
    if (number < 0.0F && (whole > 0U || thousandths > 0U)) {
        tc_port_write('-');
    }
    tc_put_number(whole);
    tc_port_write('.');
    put_digit((uint8_t)(thousandths / 100U));
    put_digit((uint8_t)(thousandths / 10U % 10U));
    put_digit((uint8_t)(thousandths % 10U));
}

void tc_put_comma_number(uint64_t number)
{
    tc_port_write(',');
    tc_put_number(number);
}

void tc_put_bracket_end(void)
{
    tc_port_write(']');
    tc_put_line_end();
}

bool tc_text_equal(const char *string, const char *text)
{
    while (*string != '\0' && *string == TC_FLASH_CHAR(text)) {
        string++;
        text++;
    }
    return *string == TC_FLASH_CHAR(text);
}

bool tc_parse_number(const char *string, uint32_t *number)
{
    uint32_t value = 0;
    const char *c = string;
    for (; *c >= '0' && *c <= '9'; c++) {
        const uint32_t digit = (uint32_t)(*c - '0');
        value = value > (UINT32_MAX - digit) / 10U ? UINT32_MAX : value * 10U + digit;
    }
    *number = value;
    return c != string && *c == '\0';
}

int tc_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool tc_parse_hex32(const char *string, uint32_t *number)
{
    uint32_t value = 0;
    size_t length = 0;
    for (; string[length] != '\0'; length++) {
        const int digit = tc_hex_digit(string[length]);
        if (digit < 0 || length == 8U) {
            return false;
        }
        value = (value << 4) | (uint32_t)digit;
    }
    *number = value;
    return length > 0U;
}
