/* profile.proto, decoded and encoded by hand (github.com/google/pprof/proto),
 * and the gzip around it (zlib). Bounded: the ceiling of the profile or buffer
 * that is written to is the ceiling of the work. */
#ifndef LW_PROFILE_PROTO_H
#define LW_PROFILE_PROTO_H

#include "lib/base/buf.h"
#include "lib/profile/profile.h"

/* Decodes protobuf bytes, gzipped or not, into p (reset first, and empty after
 * an error). 0; ERR_SYNTAX, ERR_CUT (gzip not whole), ERR_CORRUPT (gzip's CRC is
 * wrong), ERR_LIMIT, -ENOMEM, with the byte offset in e. Unknown fields are
 * skipped, as are labels of neither text nor number, which do not exist for
 * pprof. from_text is set, and no mapping kept, for what proto_encode made from
 * text. */
int proto_decode(struct profile *p, const void *bytes, size_t n, struct errmsg *e);

/* Appends the protobuf. Hidden locations are left out unless a sample has no
 * other; a profile from text gets one mapping with has_functions set, so that
 * pprof never looks for a binary. 0, ERR_LIMIT or -ENOMEM. */
int proto_encode(const struct profile *p, struct buf *out);

/* Both at once, as .pb.gz, without ever holding the whole protobuf: deflate state
 * is allocated and freed inside. */
int proto_encode_gzip(const struct profile *p, struct buf *out);

/* gzip of bytes, appended; level as zlib's (1 fast … 9). No time stamp is
 * written: equal input gives equal bytes. */
int gzip_deflate(struct buf *out, const void *bytes, size_t n, int level);
/* Appends the inflated bytes; ERR_CUT, ERR_CORRUPT or ERR_LIMIT. */
int gzip_inflate(struct buf *out, const void *bytes, size_t n);
bool gzip_sniff(const void *bytes, size_t n);

#endif
