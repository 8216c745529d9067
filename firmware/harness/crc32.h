/* CRC-32 of IEEE 802.3, as zlib computes it: start with 0, feed the result back in to go on. */
#ifndef TC_CRC32_H
#define TC_CRC32_H

#include <stdint.h>

uint32_t tc_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

#endif
