/* Constants of the harness: in program memory on AVR, where a const object would take RAM; elsewhere plain reads. */
#ifndef TC_FLASH_H
#define TC_FLASH_H

#include <stdint.h>

#if defined(__AVR__)
#include <avr/pgmspace.h>
#define TC_FLASH PROGMEM
#define TC_TEXT(literal) PSTR(literal) /* a literal for tc_put_text and tc_text_equal */
#define TC_FLASH_CHAR(p) ((char)pgm_read_byte(p))
#define TC_FLASH_U32(p) pgm_read_dword(p)
#else
#define TC_FLASH
#define TC_TEXT(literal) (literal)
#define TC_FLASH_CHAR(p) (*(p))
#define TC_FLASH_U32(p) (*(p))
#endif

#endif
