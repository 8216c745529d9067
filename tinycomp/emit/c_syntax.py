"""C text: strings, comments, identifiers and numbers that are valid for any model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from tinycomp.common import resources

_LONGEST_NAME = 40
_RESERVED_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
false float for friend goto if inline int long main mutable namespace new noexcept not not_eq
nullptr operator or or_eq private protected public register reinterpret_cast requires restrict
return short signed sizeof static static_assert static_cast struct switch template this thread_local
throw true try typedef typeid typename typeof typeof_unqual union unsigned using virtual void
volatile wchar_t while xor xor_eq
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
"""Keywords of C99 to C23 and of C++11 to C++20."""
_HEADER_WORDS = """
abi aio aliases alloca api ar arduino argp argz assert avr bearssl binary board boards bsp byteswap
cdc client cmsis cmsis_gcc compat complex core_cm0 core_cm3 core_cm4 core_cm7 cores cpio croutine
crypt ctype dac devctl device dirent dlfcn eeprom elf endian envlock envz err errno error esp
ethernet event_groups execinfo fastmath fcntl features fenv float fmtmsg fnmatch freertos
freertosconfig fs fstab fts ftw gconv getopt glob gpio grp gshadow hardwareserial
hardwareserial_private hid i2c iconv ieee754 ieeefp ifaddrs init interrupt interrupts inttypes io
ipaddress ipv6address irq iso646 kernel langinfo lastlog libb64 libgen libintl limits link list
littlefs locale lwip macros malloc math mbed mcheck memory mntent monetary mqueue ndbm netdb netif
newlib nl_types nrf nvic nvs obstack paths pgmspace picolibc picotls pins_arduino pluggableusb poll
port_io portable portmacro ppp preferences print printable printf projdefs pthread pty pulse pwd
queue re_comp reent regdef regex regexp resolv rtc sched sd sdkconfig search semaphore semihost
semphr server servo setjmp sgtty shadow signal soc softwareserial spawn spi spiffs stab stdalign
stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdio_ext stdlib stdnoreturn stm32f4xx
stream string strings stropts sys syscall sysexits sysinit syslog system tar task tasks termio
termios tgmath thread_db threads time timer timers tone ttyent twi uart uchar ucontext udp ulimit
unctrl unistd usart usb usbapi usbcore usbdesc util utime utmp utmpx values variant wait wchar
wcharacter wctype wdt wifi wire wiring wiring_private wordexp wstring xlocale zephyr
"""
_HEADERS = frozenset(_HEADER_WORDS.split())
"""Headers of C, POSIX and C++, of Arduino's cores and their libraries, of ESP-IDF, FreeRTOS, Zephyr
and chip vendors' packages: some of these tools search the library's folder before their own, and
file systems may ignore case.
"""
_MACRO_WORDS = """
abs bit bitclear bitread bitset bitwrite bool byte constrain degrees errno false high highbyte input
isnan linux lowbyte max min nan null output pi pow radians round sq stderr stdin stdout true unix
word
"""
_MACROS = frozenset(_MACRO_WORDS.split())
"""Macros of those headers, ignoring case: a library's own macros begin with its name in capitals,
and must not clash with these.
"""
_PUBLIC_WORDS = """
arena_t assert_arena centers dequantize_output gains input invoke invoke_watched normalize_input
normalize_input_int16 output quantize_input round_input
"""
_PUBLIC_NAMES = frozenset(_PUBLIC_WORDS.split())
"""Suffixes of public names in templates/library/model.h.j2."""


def c_string(text: str) -> str:
    """A C string literal: ASCII, everything else escaped byte by byte."""

    def escape(byte: int) -> str:
        character = chr(byte)
        if character in '"\\':
            return "\\" + character
        return character if 32 <= byte < 127 and character != "?" else f"\\{byte:03o}"

    return '"' + "".join(map(escape, text.encode())) + '"'


def c_comment(text: str) -> str:
    """Text on one line that is safe inside a C comment."""
    return re.sub(r"[^\x20-\x7e]", "?", text).replace("*/", "* /").replace("/*", "/ *")


def c_identifier(text: str) -> str:
    """Lower-case letters, digits and single underscores (C++ reserves double ones); never empty, no
    digit at the start, no keyword.
    """
    name = _letters(text)
    if name and not name[0].isdigit() and name not in _RESERVED:
        return name
    return f"m_{name}".rstrip("_")


def _letters(text: str) -> str:
    """The letters and digits of a name, with underscores between them."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def c_prefix(text: str) -> str:
    """The prefix of a library's public names and headers.

    "m_" is added to names that would hide a header of C or of the harness, clash with the kernels'
    names, or that no file can have on Windows (con.h).
    """
    name = c_identifier(text)
    hides = name in _HEADERS or name in _MACROS or name in _harness()
    clashes = re.match(r"tc(_|$)|tinycomp|(con|prn|aux|nul|(com|lpt)\d)$", name)
    return f"m_{name}" if hides or clashes else name


def why_renamed(text: str) -> str:
    """Why a library is not called by this name, as a clause; empty if it is."""
    name = _letters(text)
    if c_prefix(text) == name:
        return ""
    if not name or name[0].isdigit():
        return "names in C begin with one of the letters a to z"
    if name in _RESERVED:
        return f"{name} is a keyword"
    return f"other headers, macros or devices are called {name}"


@cache
def _harness() -> frozenset[str]:
    """Names of the harness's sources, which a library must not have."""
    return frozenset(path.stem for path in (resources.firmware() / "harness").glob("*.c"))


def c_identifiers(
    names: Sequence[str],
    fallbacks: Sequence[str],
    parts: Sequence[Sequence[str]] | None = None,
) -> list[str]:
    """An identifier for each name: the name itself if it is short and free, else the fallback after
    the index.

    Args:
        names: of the model.
        fallbacks: identifiers.
        parts: for each name, the suffixes of further names, <identifier>_<part>.
    """
    taken = set(_PUBLIC_NAMES)
    result = []
    for index, (name, fallback) in enumerate(zip(names, fallbacks, strict=True)):
        ends = ["", *(f"_{part}" for part in parts[index])] if parts else [""]
        identifier = c_identifier(name)
        if len(identifier) > _LONGEST_NAME or not taken.isdisjoint(identifier + e for e in ends):
            identifier = f"n{index}_{fallback}"
        while not taken.isdisjoint(identifier + end for end in ends):
            identifier += "_"
        taken.update(identifier + end for end in ends)
        result.append(identifier)
    return result


_SMALLEST = (-(1 << 31), -(1 << 63))
"""Literals have no sign: without it these are larger than their type."""


def c_number(value: int) -> str:
    """An integer literal; the smallest int32 and int64 need an expression."""
    return f"({value + 1} - 1)" if value in _SMALLEST else str(value)
