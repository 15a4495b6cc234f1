#include "lib/profile/gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/profile/proto.h"

#define GZIP_WINDOW_BITS (15 + 16) /* 16: gzip's frame instead of zlib's */
#define GZIP_MEM_LEVEL 8
#define CHUNK_BYTES 8192

int gzip_open(struct gzip_writer *g, struct buf *out, int level)
{
    *g = (struct gzip_writer){.out = out};
    int r = deflateInit2(&g->z, level, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEM_LEVEL,
                         Z_DEFAULT_STRATEGY);
    return r == Z_OK ? 0 : -ENOMEM;
}

static void deflate_all(struct gzip_writer *g, int flush)
{
    uint8_t chunk[CHUNK_BYTES];
    do {
        g->z.next_out = chunk;
        g->z.avail_out = sizeof chunk;
        deflate(&g->z, flush);
        buf_put(g->out, chunk, sizeof chunk - g->z.avail_out);
    } while (g->z.avail_out == 0 && !g->out->overflow);
}

void gzip_write(struct gzip_writer *g, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n > 0 && !g->out->overflow) {
        uInt piece = n > INT_MAX ? INT_MAX : (uInt)n;
        g->z.next_in = (Bytef *)(uintptr_t)p; /* zlib reads only */
        g->z.avail_in = piece;
        deflate_all(g, Z_NO_FLUSH);
        p += piece;
        n -= piece;
    }
}

int gzip_close(struct gzip_writer *g)
{
    if (!g->out->overflow)
        deflate_all(g, Z_FINISH);
    deflateEnd(&g->z);
    return buf_status(g->out);
}

int gzip_deflate(struct buf *out, const void *bytes, size_t n, int level)
{
    struct gzip_writer g;
    int r = gzip_open(&g, out, level);
    if (r)
        return r;
    gzip_write(&g, bytes, n);
    return gzip_close(&g);
}

bool gzip_sniff(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    return n >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* Inflates one piece; 1: a member has ended, 0: go on, or an error. */
static int inflate_step(z_stream *z, struct buf *out)
{
    uint8_t chunk[CHUNK_BYTES];
    z->next_out = chunk;
    z->avail_out = sizeof chunk;
    int r = inflate(z, Z_NO_FLUSH);
    buf_put(out, chunk, sizeof chunk - z->avail_out);
    if (out->overflow)
        return buf_status(out);
    switch (r) {
    case Z_STREAM_END: return 1;
    case Z_OK: return 0;
    case Z_BUF_ERROR: return ERR_CUT; /* no input left, and it wants more */
    case Z_MEM_ERROR: return -ENOMEM;
    default: return ERR_CORRUPT;
    }
}

int gzip_inflate(struct buf *out, const void *bytes, size_t n)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n};
    if (n > UINT_MAX)
        return ERR_LIMIT;
    if (n == 0)
        return ERR_CUT;
    if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
        return -ENOMEM;
    int r;
    do {
        r = inflate_step(&z, out);
        if (r == 1 && z.avail_in > 0) /* gzip files may be joined */
            r = inflateReset(&z) == Z_OK ? 0 : ERR_CORRUPT;
    } while (r == 0);
    inflateEnd(&z);
    return r == 1 ? 0 : r;
}
