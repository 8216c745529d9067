/* CRC-32, four bits at a time: its 64-byte table is small enough for every board. */
#include "crc32.h"

#include "flash.h"

static const uint32_t table[16] TC_FLASH = {
    0x00000000U, 0x1db71064U, 0x3b6e20c8U, 0x26d930acU, 0x76dc4190U, 0x6b6b51f4U, 0x4db26158U, 0x5005713cU,
    0xedb88320U, 0xf00f9344U, 0xd6d6a3e8U, 0xcb61b38cU, 0x9b64c2b0U, 0x86d3d2d4U, 0xa00ae278U, 0xbdbdf21cU,
};

uint32_t tc_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count)
{
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ TC_FLASH_U32(&table[crc & 15U]);
        crc = (crc >> 4) ^ TC_FLASH_U32(&table[crc & 15U]);
    }
    return ~crc;
}
