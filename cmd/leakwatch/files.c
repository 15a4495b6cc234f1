#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/leakwatch/cmd.h"
#include "lib/profile/proto.h"
#include "lib/profile/text.h"

#define CHUNK_BYTES 65536

static int descriptor_read(int fd, struct buf *out)
{
    for (;;) {
        int error = buf_reserve(out, CHUNK_BYTES);
        if (error)
            return error;
        ssize_t n = read(fd, out->p + out->len, CHUNK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        out->len += (size_t)n;
    }
}

static int input_open(const char *path, struct errmsg *e)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 ? fd : err_set(e, -errno, "%s: %s", path, strerror(errno));
}

/* error as it came of reading, with the input's name. */
static int input_close(int fd, const char *path, int error, struct errmsg *e)
{
    if (fd != STDIN_FILENO)
        close(fd);
    if (error)
        return err_set(e, error, "%s: %s", fd == STDIN_FILENO ? "stdin" : path,
                       err_text(error));
    return 0;
}

int input_read(const char *path, struct buf *out, struct errmsg *e)
{
    int fd = input_open(path, e);

    return fd < 0 ? fd : input_close(fd, path, descriptor_read(fd, out), e);
}

int input_stream(const char *path, int (*on_bytes)(void *ctx, const char *bytes, size_t n),
                 void *ctx, struct errmsg *e)
{
    char chunk[CHUNK_BYTES];
    int fd = input_open(path, e), stopped = 0;
    ssize_t n;

    if (fd < 0)
        return fd;
    do {
        n = read(fd, chunk, sizeof(chunk));
        if (n > 0)
            stopped = on_bytes(ctx, chunk, (size_t)n);
    } while (stopped == 0 && (n > 0 || (n < 0 && errno == EINTR)));
    int error = input_close(fd, path, stopped == 0 && n < 0 ? -errno : 0, e);
    return error ? error : stopped;
}

static int descriptor_write(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return 0;
}

/* What is there and is no plain file (a device, a pipe, a link) is written to as
 * the shell would: a rename would replace it. */
static int special_write(const char *path, struct str bytes, struct errmsg *e)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    int error = fd < 0 ? -errno : descriptor_write(fd, bytes);

    if (fd >= 0 && close(fd) != 0 && error == 0)
        error = -errno;
    return error ? err_set(e, error, "%s: %s", path, err_text(error)) : 0;
}

int output_write(const char *path, struct str bytes, struct errmsg *e)
{
    char temporary[4096];
    struct stat there;
    int fd, error;

    if (path == NULL) {
        error = descriptor_write(STDOUT_FILENO, bytes);
        return error ? err_set(e, error, "stdout: %s", err_text(error)) : 0;
    }
    if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return special_write(path, bytes, e);
    if (snprintf(temporary, sizeof(temporary), "%s.%d.tmp", path, (int)getpid()) >=
        (int)sizeof(temporary))
        return err_set(e, -ENAMETOOLONG, "%s: the name is too long", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(e, -errno, "%s: %s", path, strerror(errno));
    error = descriptor_write(fd, bytes);
    if (close(fd) != 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = -errno;
    if (error == 0)
        return 0;
    (void)unlink(temporary);
    return err_set(e, error, "%s: %s", path, err_text(error));
}

bool out_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

struct look out_look(void)
{
    const char *term = getenv("TERM"), *locale = getenv("LC_ALL");
    bool terminal = out_is_terminal() && term && strcmp(term, "dumb") != 0;

    if (locale == NULL || *locale == '\0')
        locale = getenv("LC_CTYPE");
    if (locale == NULL || *locale == '\0')
        locale = getenv("LANG");
    return (struct look){
        .colour = terminal && getenv("NO_COLOR") == NULL,
        .unicode =
            terminal && locale &&
            (str_contains(str_of(locale), "UTF-8") || str_contains(str_of(locale), "utf8")),
    };
}

int out_text(struct buf *b)
{
    struct errmsg e;

    if (buf_status(b))
        return cmd_fail("the answer is too large: %s", err_text(buf_status(b)));
    return output_write(NULL, buf_view(b), &e) ? cmd_fail("%s", e.text) : EXIT_FINE;
}

void boot_id_read(uint8_t out[16])
{
    struct buf text;
    size_t nibbles = 0;
    uint64_t digit;

    memset(out, 0, 16);
    buf_init(&text, 2 * CHUNK_BYTES);
    if (input_read("/proc/sys/kernel/random/boot_id", &text, NULL) == 0) {
        for (size_t i = 0; i < text.len && nibbles < 32; i++) {
            if (str_hex((struct str){text.p + i, 1}, &digit) != 0)
                continue; /* the dashes */
            out[nibbles / 2] = (uint8_t)((unsigned)out[nibbles / 2] << 4 | (unsigned)digit);
            nibbles++;
        }
    }
    buf_free(&text);
}

/* ---- profiles ---- */

static int text_load(struct profile *p, const char *name, struct str bytes, struct errmsg *e)
{
    struct text_parser *parser = NULL;
    struct text_result result;
    int error = text_new(&parser, p, (struct text_options){0});

    if (error)
        return err_set(e, error, "%s: %s", name, err_text(error));
    (void)text_feed(parser, bytes.p, bytes.n);
    error = text_end(parser, &result);
    text_free(&parser);
    return error ? err_set(e, error, "%s: %s", name, result.error.text) : 0;
}

static int plain_load(struct profile *p, const char *name, struct str bytes, struct errmsg *e)
{
    struct errmsg why;
    int error;

    if (bytes.n == 0)
        return err_set(e, ERR_CUT, "%s: empty", name);
    if (text_sniff(bytes.p, bytes.n))
        return text_load(p, name, bytes, e);
    error = proto_decode(p, bytes.p, bytes.n, &why);
    if (error == ERR_SYNTAX)
        return err_set(e, error, "%s: neither debug=1 text nor a pprof profile (%s)", name,
                       why.text);
    return error ? err_set(e, error, "%s: %s", name, why.text) : 0;
}

int profile_load(struct profile *p, const char *name, struct str bytes, struct errmsg *e)
{
    struct buf plain;
    int error, inflated;

    profile_reset(p);
    if (!gzip_sniff(bytes.p, bytes.n))
        return plain_load(p, name, bytes, e);
    buf_init(&plain, CMD_FILE_BYTES);
    inflated = gzip_inflate(&plain, bytes.p, bytes.n);
    if (inflated == 0 || (inflated == ERR_CUT && text_sniff(plain.p, plain.len)))
        error = plain_load(p, name, buf_view(&plain), e);
    else
        error = err_set(e, inflated, "%s: gzip: %s", name, err_text(inflated));
    buf_free(&plain);
    return error;
}

int profile_read(struct profile *p, const char *path, struct errmsg *e)
{
    struct buf bytes;
    int error;

    buf_init(&bytes, CMD_FILE_BYTES);
    error = input_read(path, &bytes, e);
    if (error == 0)
        error = profile_load(p, strcmp(path, "-") == 0 ? "stdin" : path, buf_view(&bytes), e);
    buf_free(&bytes);
    return error;
}

int profile_write(const struct profile *p, const char *path)
{
    struct buf bytes;
    struct errmsg e;
    int error;

    if (path == NULL && out_is_terminal())
        return cmd_fail("not writing a binary profile to a terminal; use > FILE or -o FILE");
    buf_init(&bytes, CMD_FILE_BYTES);
    error = proto_encode_gzip(p, &bytes);
    if (error)
        (void)err_set(&e, error, "%s", err_text(error));
    else
        error = output_write(path, buf_view(&bytes), &e);
    buf_free(&bytes);
    return error ? cmd_fail("%s", e.text) : EXIT_FINE;
}
