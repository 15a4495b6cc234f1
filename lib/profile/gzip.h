/* gzip written piece by piece; the one-call forms are in proto.h.
 * Ownership: the writer owns zlib's state from gzip_open to gzip_close and
 * borrows the buffer it appends to. */
#ifndef LW_PROFILE_GZIP_H
#define LW_PROFILE_GZIP_H

#include <zlib.h>

#include "lib/base/buf.h"

struct gzip_writer {
    z_stream z;
    struct buf *out;
};

/* level as zlib's, 1 to 9. 0 or -ENOMEM; nothing to close then. */
int gzip_open(struct gzip_writer *g, struct buf *out, int level);
void gzip_write(struct gzip_writer *g, const void *bytes, size_t n);
/* Writes the rest and frees the state. 0, or buf_status of out. */
int gzip_close(struct gzip_writer *g);

#endif
