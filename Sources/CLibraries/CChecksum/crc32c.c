#include "crc32c.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u

// bytes_ahead[k][b]: the state b after 1 + k zero bytes; eight of them advance eight bytes in one step.
static uint32_t bytes_ahead[8][256];

#if defined(__x86_64__)
#include <nmmintrin.h>

// Three streams of this many bytes are summed side by side, since the instruction takes three cycles but starts each cycle.
#define STREAM_BYTES 1024

// stream_ahead[k][b]: the state b << 8k after STREAM_BYTES zero bytes.
static uint32_t stream_ahead[4][256];
static int has_instruction;

static uint32_t skip_stream(uint32_t state) {
    return stream_ahead[0][state & 0xff] ^ stream_ahead[1][state >> 8 & 0xff] ^ stream_ahead[2][state >> 16 & 0xff]
        ^ stream_ahead[3][state >> 24];
}

static void make_stream_table(void) {
    uint32_t bit_ahead[32];
    for (int bit = 0; bit < 32; bit++) {
        uint32_t state = 1u << bit;
        for (int byte = 0; byte < STREAM_BYTES; byte++) state = state >> 8 ^ bytes_ahead[0][state & 0xff];
        bit_ahead[bit] = state;
    }
    // A CRC is linear: the image of a byte is the sum of its bits' images.
    for (int k = 0; k < 4; k++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t state = 0;
            for (int bit = 0; bit < 8; bit++) {
                if (byte >> bit & 1) state ^= bit_ahead[8 * k + bit];
            }
            stream_ahead[k][byte] = state;
        }
    }
}

static uint64_t load(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

__attribute__((target("sse4.2"))) static uint32_t instruction_crc32c(const uint8_t *next, size_t count, uint32_t seed) {
    uint64_t first = ~seed;
    while (count >= 3 * STREAM_BYTES) {
        uint64_t second = 0, third = 0;
        for (const uint8_t *end = next + STREAM_BYTES; next < end; next += 8) {
            first = _mm_crc32_u64(first, load(next));
            second = _mm_crc32_u64(second, load(next + STREAM_BYTES));
            third = _mm_crc32_u64(third, load(next + 2 * STREAM_BYTES));
        }
        first = skip_stream((uint32_t)first) ^ second;
        first = skip_stream((uint32_t)first) ^ third;
        next += 2 * STREAM_BYTES;
        count -= 3 * STREAM_BYTES;
    }
    for (; count >= 8; count -= 8, next += 8) first = _mm_crc32_u64(first, load(next));
    for (; count > 0; count--, next++) first = _mm_crc32_u8((uint32_t)first, *next);
    return ~(uint32_t)first;
}
#endif

// Before main, so that no call pays for a check or a lock.
__attribute__((constructor)) static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t state = byte;
        for (int bit = 0; bit < 8; bit++) state = state >> 1 ^ (state & 1 ? POLYNOMIAL : 0);
        bytes_ahead[0][byte] = state;
    }
    for (int k = 1; k < 8; k++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t state = bytes_ahead[k - 1][byte];
            bytes_ahead[k][byte] = state >> 8 ^ bytes_ahead[0][state & 0xff];
        }
    }
#if defined(__x86_64__)
    make_stream_table();
    __builtin_cpu_init();
    has_instruction = __builtin_cpu_supports("sse4.2");
#endif
}

uint32_t CChecksum_crc32c_table(const void *bytes, size_t count, uint32_t seed) {
    const uint8_t *next = bytes;
    uint32_t state = ~seed;
    for (; count >= 8; count -= 8, next += 8) {
        uint32_t low = state ^ (next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24);
        state = bytes_ahead[7][low & 0xff] ^ bytes_ahead[6][low >> 8 & 0xff] ^ bytes_ahead[5][low >> 16 & 0xff]
            ^ bytes_ahead[4][low >> 24] ^ bytes_ahead[3][next[4]] ^ bytes_ahead[2][next[5]] ^ bytes_ahead[1][next[6]]
            ^ bytes_ahead[0][next[7]];
    }
    for (; count > 0; count--, next++) state = state >> 8 ^ bytes_ahead[0][(state ^ *next) & 0xff];
    return ~state;
}

uint32_t CChecksum_crc32c(const void *bytes, size_t count, uint32_t seed) {
#if defined(__x86_64__)
    if (has_instruction) return instruction_crc32c(bytes, count, seed);
#endif
    return CChecksum_crc32c_table(bytes, count, seed);
}
