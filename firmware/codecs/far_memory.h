/* Arrays anywhere in the program memory of an AVR with more than 64 KB, beyond the reach of pointers and C's limit of
 * 32,767 bytes. On AVR such an array is represented by its address, a constant within reach; elsewhere it is an ordinary
 * array:
 *   TC_FAR_BEGIN(name)
 *   TC_FAR_BYTES(1, 2, 3)
 *   TC_FAR_END */
#ifndef TINYCOMP_FAR_MEMORY_H
#define TINYCOMP_FAR_MEMORY_H

#include "tinycomp.h"

#if defined(__AVR__)
typedef uint32_t tc_far_t;
/* In a code section: avr-ld before 2.29 has no other section for data beyond 64 KB. */
/* clang-format off */
#define TC_FAR_BEGIN(name)                                                     \
    __asm__(".pushsection .progmem.data." #name ",\"a\",@progbits\n"           \
            ".global " #name "\n"                                              \
            #name ": .long 1f\n"                                               \
            ".section .text.tc_far." #name ",\"ax\",@progbits\n"                 \
            "1:\n"
#define TC_FAR_BYTES(...) ".byte " #__VA_ARGS__ "\n"
#define TC_FAR_END ".p2align 1\n.popsection");
/* clang-format on */
#define TC_FAR_COPY(to, from, offset, size) memcpy_PF((to), TC_READ_U32(from) + (offset), (size))
#else
typedef uint8_t tc_far_t;
#define TC_FAR_BEGIN(name) TC_CONST tc_far_t name[] = {
#define TC_FAR_BYTES(...) __VA_ARGS__,
#define TC_FAR_END \
    }              \
    ;
#define TC_FAR_COPY(to, from, offset, size) memcpy((to), (from) + (offset), (size))
#endif

#endif
