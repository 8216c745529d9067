/* MAC16 on Xtensa (ESP32, ESP32-S3): products of int16 halves into an accumulator of 40 bits, while the next operands are
 * loaded. Which instructions a core has is known from its configuration when it is compiled; all others (ESP8266,
 * ESP32-S2, any host) take C that computes the same.
 *
 * The instructions are given as bytes, which the assembler of a smaller core takes, too, with registers as the compiler
 * hands them out: TC_MAC16_REGISTERS gives each register's number a name.
 *
 * The compiler uses neither accumulator nor m registers by itself, and an operating system keeps both apart for each task.
 * It does make zero-overhead loops, of which there must be one at a time: GCC makes none around a call or around assembly,
 * and assembly with a loop stands in functions that are never inlined. Blocks use no stack, hence fit both calling
 * conventions.
 *
 * A loop's first instruction has to lie within an aligned word: blocks are aligned, and instructions of known length
 * lead to the loop. */
#ifndef TINYCOMP_MAC16_H
#define TINYCOMP_MAC16_H

#include "assembly.h"
#include "tinycomp.h"

/* Where functions go that take most of the time, for instance
 *     -DTC_HOT='__attribute__((section(".iram1.tinycomp")))'
 * for the ESP32's internal RAM, where code never waits for flash. */
#ifndef TC_HOT
#define TC_HOT
#endif

/* TC_XTENSA_LX6 says it of a core that its compiler does not know. */
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

/* Four weights or activations become two words: bytes 0 and 2, bytes 1 and 3. */
#define TC_MAC16_BYTES 0x00FF00FFu
/* Activations become x + 128, so that no sign has to be extended. */
#define TC_MAC16_SIGNS 0x80808080u
/* Weights lie in flash as w + 127; where the lower half of a word is negative, it borrows from the upper one, which is
 * one more. */
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

/* Operands are given as in "%[name]"; m registers by their numbers, of which products take 0 or 1 first, and 2 or 3
 * second. LDINC adds 4 to the address, then loads. */
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
/* Two m registers; the first product of a sum, one that is added, one that is added while m is loaded. */
#define TC_MUL_DD(halves, x, y) ".byte 0x04 + (" y "-2)*64, " x "*64, 0x24 + " halves "\n\t"
#define TC_MULA_DD(halves, x, y) ".byte 0x04 + (" y "-2)*64, " x "*64, 0x28 + " halves "\n\t"
#define TC_MULA_DD_LDINC(halves, m, at, x, y) \
    ".byte 0x04 + (" y "-2)*64, " m "*16 + " x "*64 + .Ltc_" at ", 0x08 + " halves "\n\t"
/* An m register and another. */
#define TC_MUL_DA(halves, x, y) ".byte 0x04 + .Ltc_" y "*16, " x "*64, 0x64 + " halves "\n\t"
#define TC_MULA_DA(halves, x, y) ".byte 0x04 + .Ltc_" y "*16, " x "*64, 0x68 + " halves "\n\t"
#define TC_MULA_DA_LDINC(halves, m, at, x, y) \
    ".byte 0x04 + .Ltc_" y "*16, " m "*16 + " x "*64 + .Ltc_" at ", 0x48 + " halves "\n\t"
/* QEMU (7.2) keeps a copy of an m register that has been read, and does not see that it is loaded again before code jumps
 * somewhere. So what reads such a register twice with different contents jumps in between, where it runs under QEMU. */
#if defined(TC_XTENSA_LX6)
#define TC_MAC16_LOADED "j 9f\n9:\n\t"
#else
#define TC_MAC16_LOADED ""
#endif
/* Repeats what lies before the label; LOOPNEZ takes 0 turns, too. */
#define TC_LOOPNEZ(turns, label) ".byte 0x76, 0x90 + .Ltc_" turns ", " label " - . - 2\n\t"

#endif

#endif
