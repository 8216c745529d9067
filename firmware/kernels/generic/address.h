/* Pointers stored in scratch. Scratch is aligned to 4 bytes only, which is too little for a 64-bit pointer. */
#ifndef TINYCOMP_ADDRESS_H
#define TINYCOMP_ADDRESS_H

#include "tinycomp.h"

typedef struct {
    uint32_t words[(sizeof(const int8_t *) + sizeof(uint32_t) - 1) / sizeof(uint32_t)];
} tc_address_t;

static inline tc_address_t tc_address_of(const int8_t *pointer)
{
    tc_address_t address;
    memcpy(&address, &pointer, sizeof pointer); /* compiles to nothing */
    return address;
}

static inline const int8_t *tc_address_pointer(tc_address_t address)
{
    const int8_t *pointer;
    memcpy(&pointer, &address, sizeof pointer);
    return pointer;
}

#endif
