#include "lib/base/digest.h"

#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <zlib.h>

#include "lib/base/err.h"

char *sha256_hex(const void *bytes, size_t n, char out[SHA256_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[32] = {0};
    /* It fails on a NULL algorithm alone, and SHA-256 is always built in. */
    (void)mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                     n ? bytes : (const unsigned char *)"", n, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * sizeof sum] = '\0';
    return out;
}

uint32_t crc32_of(uint32_t seed, const void *bytes, size_t n)
{
    /* zlib answers 0 for NULL, which an empty span may be. */
    return n ? (uint32_t)crc32_z(seed, bytes, n) : seed;
}

void base64_encode(struct buf *out, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    unsigned char text[65]; /* of 48 bytes, and mbedTLS's zero */
    while (n) {
        size_t take = n < 48 ? n : 48, len = 0;
        (void)mbedtls_base64_encode(text, sizeof text, &len, p, take);
        buf_put(out, text, len);
        p += take;
        n -= take;
    }
}

int base64_decode(struct buf *out, struct str text)
{
    if (text.n == 0)
        return 0;
    /* Stricter than mbedTLS, whose versions differ on these two. */
    if (text.n % 4)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ')
            return ERR_SYNTAX;
    size_t room = text.n / 4 * 3, len = 0;
    size_t padding = (size_t)(text.p[text.n - 1] == '=') + (text.p[text.n - 2] == '=');
    int rc = buf_reserve(out, room - padding);
    if (rc)
        return rc;
    if (mbedtls_base64_decode((unsigned char *)out->p + out->len, room - padding, &len,
                              (const unsigned char *)text.p, text.n))
        return ERR_SYNTAX;
    out->len += len;
    return 0;
}
