/* gzip_inflate never passes its ceiling; what it yields deflates back. */
#include <stdlib.h>
#include <string.h>

#include "lib/profile/proto.h"

#define CEILING_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct buf plain, packed, back;
    buf_init(&plain, CEILING_BYTES);
    buf_init(&packed, 2 * CEILING_BYTES);
    buf_init(&back, CEILING_BYTES);
    int r = gzip_inflate(&plain, bytes, n);
    if (plain.len > CEILING_BYTES || (r == 0 && plain.overflow))
        abort();
    if (r == 0 && (gzip_deflate(&packed, plain.p, plain.len, 1) != 0 ||
                   gzip_inflate(&back, packed.p, packed.len) != 0 || back.len != plain.len ||
                   (back.len > 0 && memcmp(back.p, plain.p, back.len) != 0)))
        abort();
    buf_free(&plain);
    buf_free(&packed);
    buf_free(&back);
    return 0;
}
