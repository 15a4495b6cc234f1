/* Digests, by mbedTLS (SHA-256, base64) and zlib (CRC-32): pure functions. */
#ifndef LW_BASE_DIGEST_H
#define LW_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define SHA256_HEX_MAX 65

/* Lower-case hex of SHA-256 of n bytes, terminated; returns out. */
char *sha256_hex(const void *bytes, size_t n, char out[SHA256_HEX_MAX]);
/* CRC-32 of the bytes that follow those of seed (0 at first). */
uint32_t crc32_of(uint32_t seed, const void *bytes, size_t n);

/* Appends base64 of n bytes, without line breaks. */
void base64_encode(struct buf *out, const void *bytes, size_t n);
/* Appends the bytes; 0, ERR_SYNTAX (padding is required, white space is not
 * allowed), or what buf_reserve answers. Nothing is appended on an error. */
int base64_decode(struct buf *out, struct str text);

#endif
