#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) of `count` bytes, going on from `seed`, the checksum of what came
/// before (0 at the start). Uses the processor's instruction where there is one.
uint32_t CChecksum_crc32c(const void *bytes, size_t count, uint32_t seed);

/// The same, never using the instruction: what other processors run, and what tests compare with.
uint32_t CChecksum_crc32c_table(const void *bytes, size_t count, uint32_t seed);
