/* CRC-32 of IEEE 802.3, as in zlib: start with 0, pass the previous result to continue. */
#ifndef TC_CRC32_H
#define TC_CRC32_H

#include <stdint.h>

uint32_t tc_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

#endif
