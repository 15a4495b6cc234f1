/* For the end-to-end tests: makes profiles with this project's own code, to be
 * compared with what Go's pprof makes of the same files.
 *   pprof_make copy IN OUT            IN: protobuf or debug=1 text
 *   pprof_make cut IN OUT             the three largest, and the rest as one
 *   pprof_make base|diff_base BASE IN OUT */
#include <stdio.h>
#include <string.h>

#include "lib/profile/diff.h"
#include "lib/profile/proto.h"
#include "lib/profile/text.h"

#define CEILING_BYTES (64u << 20)

static int text_decode(struct profile *p, const char *bytes, size_t n, struct errmsg *e)
{
    struct text_parser *t = NULL;
    struct text_result result = {0};
    int r = text_new(&t, p, (struct text_options){0});
    if (r)
        return r;
    text_feed(t, bytes, n);
    r = text_end(t, &result);
    *e = result.error;
    text_free(&t);
    return r;
}

static int file_decode(const char *path, struct profile *p)
{
    static char bytes[16 << 20];
    struct errmsg e = {""};
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    int r = profile_init(p, CEILING_BYTES);
    if (r == 0 && text_sniff(bytes, n))
        r = text_decode(p, bytes, n, &e);
    else if (r == 0)
        r = proto_decode(p, bytes, n, &e);
    if (r)
        fprintf(stderr, "%s: %s\n", path, e.text);
    return r;
}

static int file_encode(const char *path, const struct profile *p)
{
    struct buf out;
    buf_init(&out, CEILING_BYTES);
    int r = proto_encode_gzip(p, &out);
    FILE *f = r ? NULL : fopen(path, "wb");
    if (!f || fwrite(out.p, 1, out.len, f) != out.len || fclose(f) != 0) {
        fprintf(stderr, "%s: cannot write (%d)\n", path, r);
        r = -1;
    }
    buf_free(&out);
    return r;
}

static int difference(const char *mode, char **path)
{
    struct profile base = {0}, now = {0}, out = {0};
    struct errmsg e = {""};
    enum diff_mode m = strcmp(mode, "base") == 0 ? DIFF_BASE : DIFF_DIFF_BASE;
    int r = profile_init(&out, CEILING_BYTES);
    if (r == 0)
        r = file_decode(path[0], &base);
    if (r == 0)
        r = file_decode(path[1], &now);
    if (r == 0)
        r = profile_diff(&out, &now, &base, m, &e);
    if (r == 0)
        r = file_encode(path[2], &out);
    else
        fprintf(stderr, "%s\n", e.text);
    profile_free(&base);
    profile_free(&now);
    profile_free(&out);
    return r;
}

static int copy(char **path)
{
    struct profile p = {0};
    int r = file_decode(path[0], &p);
    if (r == 0)
        r = file_encode(path[1], &p);
    profile_free(&p);
    return r;
}

static int cut(char **path)
{
    struct profile p = {0}, out = {0};
    int r = profile_init(&out, CEILING_BYTES);
    if (r == 0)
        r = file_decode(path[0], &p);
    if (r == 0)
        r = profile_cut(&out, &p, profile_value_index(&p, NULL), 3);
    if (r == 0)
        r = file_encode(path[1], &out);
    profile_free(&p);
    profile_free(&out);
    return r;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "copy") == 0)
        return copy(argv + 2) != 0;
    if (argc == 4 && strcmp(argv[1], "cut") == 0)
        return cut(argv + 2) != 0;
    if (argc == 5 && (strcmp(argv[1], "base") == 0 || strcmp(argv[1], "diff_base") == 0))
        return difference(argv[1], argv + 2) != 0;
    fputs("usage: pprof_make copy|cut IN OUT | base|diff_base BASE IN OUT\n", stderr);
    return 2;
}
