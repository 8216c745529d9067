/* MAC16 on Xtensa (ESP32, ESP32-S3): adds products of int16 halves to a 40-bit accumulator while loading the next
 * operands. The core's configuration tells the compiler which instructions exist; all other cores (ESP8266, ESP32-S2,
 * any host) use equivalent C code.
 *
 * The instructions are written as bytes, which assemblers of smaller cores accept too, with registers allocated by the
 * compiler: TC_MAC16_REGISTERS defines a name for each register's number.
 *
 * The compiler itself uses neither the accumulator nor m registers, and an operating system saves both per task. It does
 * make zero-overhead loops, which must not be nested: GCC makes none around a call or around assembly, and assembly with
 * a loop is in functions that are never inlined. Blocks use no stack, so they work with both calling conventions.
 *
 * A loop's first instruction must be within an aligned word: blocks are aligned, and only instructions of known length
 * precede the loop. */
#ifndef TINYCOMP_MAC16_H
#define TINYCOMP_MAC16_H

#include "assembly.h"
#include "tinycomp.h"

/* The section of the hottest functions, for instance
 *     -DTC_HOT='__attribute__((section(".iram1.tinycomp")))'
 * for the ESP32's internal RAM, without flash wait states. */
#ifndef TC_HOT
#define TC_HOT
#endif

/* TC_XTENSA_LX6 enables it for a core that the compiler does not support. */
#if TC_ASM && defined(__XTENSA_EL__)
#if defined(TC_XTENSA_LX6)
#define TC_MAC16 1
#define TC_MULSH 0
#elif defined(__has_include)
#if __has_include(<xtensa/config/core-isa.h>)
#include <xtensa/config/core-isa.h>
#define TC_MAC16 (XCHAL_HAVE_MAC16 && XCHAL_HAVE_LOOPS && XCHAL_HAVE_MINMAX && XCHAL_HAVE_MUL32 && XCHAL_HAVE_DENSITY)
#define TC_MULSH XCHAL_HAVE_MUL32_HIGH
#endif
#endif
#endif
#ifndef TC_MAC16
#define TC_MAC16 0
#define TC_MULSH 0
#endif

/* Splits four weights or activations into two words: bytes 0 and 2, bytes 1 and 3. */
#define TC_MAC16_BYTES 0x00FF00FFu
/* Activations become x + 128, which avoids sign extension. */
#define TC_MAC16_SIGNS 0x80808080u
/* Weights are stored as w + 127; if the lower half of a word is negative, it borrows from the upper one, which is one
 * larger. */
#define TC_MAC16_CODES 0x007F007Fu

static inline int32_t tc_mac16_low(uint32_t word)
{
    return (int16_t)(word & 0xFFFFu);
}

static inline int32_t tc_mac16_high(uint32_t word)
{
    return (int32_t)word >> 16;
}

#if TC_MAC16

#define TC_MAC16_REGISTERS                                                                                \
    ".set .Ltc_a2, 2\n\t.set .Ltc_a3, 3\n\t.set .Ltc_a4, 4\n\t.set .Ltc_a5, 5\n\t.set .Ltc_a6, 6\n\t"     \
    ".set .Ltc_a7, 7\n\t.set .Ltc_a8, 8\n\t.set .Ltc_a9, 9\n\t.set .Ltc_a10, 10\n\t.set .Ltc_a11, 11\n\t" \
    ".set .Ltc_a12, 12\n\t.set .Ltc_a13, 13\n\t.set .Ltc_a14, 14\n\t.set .Ltc_a15, 15\n\t"

/* Operands are names as in "%[name]"; m registers are numbers, 0 or 1 for the first factor, 2 or 3 for the second.
 * LDINC adds 4 to the address, then loads. */
#define TC_MIN(to, a, b) ".byte .Ltc_" b "*16, .Ltc_" to "*16 + .Ltc_" a ", 0x43\n\t"
#define TC_MAX(to, a, b) ".byte .Ltc_" b "*16, .Ltc_" to "*16 + .Ltc_" a ", 0x53\n\t"
#define TC_MULSH_HIGH(to, a, b) ".byte .Ltc_" b "*16, .Ltc_" to "*16 + .Ltc_" a ", 0xb2\n\t"
#define TC_RSR_ACCLO(to) ".byte .Ltc_" to "*16, 0x10, 0x03\n\t"
#define TC_RSR_ACCHI(to) ".byte .Ltc_" to "*16, 0x11, 0x03\n\t"
#define TC_WSR_ACCLO(from) ".byte .Ltc_" from "*16, 0x10, 0x13\n\t"
#define TC_WSR_ACCHI(from) ".byte .Ltc_" from "*16, 0x11, 0x13\n\t"
#define TC_LDINC(m, at) ".byte 0x04, " m "*16 + .Ltc_" at ", 0x80\n\t"
#define TC_LL "0"
#define TC_HL "1"
#define TC_LH "2"
#define TC_HH "3"
/* Products of two m registers: the first of a sum, one to add, one to add while loading m. */
#define TC_MUL_DD(halves, x, y) ".byte 0x04 + (" y "-2)*64, " x "*64, 0x24 + " halves "\n\t"
#define TC_MULA_DD(halves, x, y) ".byte 0x04 + (" y "-2)*64, " x "*64, 0x28 + " halves "\n\t"
#define TC_MULA_DD_LDINC(halves, m, at, x, y) \
    ".byte 0x04 + (" y "-2)*64, " m "*16 + " x "*64 + .Ltc_" at ", 0x08 + " halves "\n\t"
/* Products of an m register and another register. */
#define TC_MUL_DA(halves, x, y) ".byte 0x04 + .Ltc_" y "*16, " x "*64, 0x64 + " halves "\n\t"
#define TC_MULA_DA(halves, x, y) ".byte 0x04 + .Ltc_" y "*16, " x "*64, 0x68 + " halves "\n\t"
#define TC_MULA_DA_LDINC(halves, m, at, x, y) \
    ".byte 0x04 + .Ltc_" y "*16, " m "*16 + " x "*64 + .Ltc_" at ", 0x48 + " halves "\n\t"
/* QEMU (7.2) keeps a copy of an m register after a read, and misses a later load before the next jump. So code for QEMU
 * jumps between two reads of a register with different contents. */
#if defined(TC_XTENSA_LX6)
#define TC_MAC16_LOADED "j 9f\n9:\n\t"
#else
#define TC_MAC16_LOADED ""
#endif
/* Repeats the code before the label; LOOPNEZ supports 0 turns. */
#define TC_LOOPNEZ(turns, label) ".byte 0x76, 0x90 + .Ltc_" turns ", " label " - . - 2\n\t"

#endif

#endif
