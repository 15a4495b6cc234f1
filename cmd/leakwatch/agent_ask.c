/* The agent's API over its Unix socket: one request, HTTP/1.0, one answer. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/leakwatch/folder.h"

#define ANSWER_SECONDS 10 /* without a byte */
#define CHUNK_BYTES 16384

static int agent_connect(const struct settings *s, struct errmsg *e)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct buf path;
    int fd, error;

    buf_fixed(&path, address.sun_path, sizeof(address.sun_path));
    buf_printf(&path, "%s/leakwatch.sock", s->dir);
    (void)buf_cstr(&path);
    if (path.overflow)
        return err_set(e, -ENAMETOOLONG, "%s: too long for a socket's name", s->dir);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(e, -errno, "socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    error = -errno;
    close(fd);
    return err_set(e, error, "%s: %s", address.sun_path, err_text(error));
}

static int agent_send(int fd, const char *method, const char *path, struct str body)
{
    struct buf request;
    int error;

    buf_init(&request, body.n + 8192);
    buf_printf(&request,
               "%s %s HTTP/1.0\r\nHost: leakwatch\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               method, path, body.n);
    buf_str(&request, body);
    error = buf_status(&request);
    for (size_t at = 0; error == 0 && at < request.len;) {
        ssize_t n = send(fd, request.p + at, request.len - at, MSG_NOSIGNAL);

        if (n > 0)
            at += (size_t)n;
        else if (errno != EINTR)
            error = -errno;
    }
    buf_free(&request);
    return error;
}

/* Until the end of the connection, which is the end of the answer. */
static int agent_receive(int fd, struct buf *out)
{
    for (;;) {
        int error = buf_reserve(out, CHUNK_BYTES);
        ssize_t n;

        if (error)
            return error;
        n = recv(fd, out->p + out->len, CHUNK_BYTES, 0);
        if (n > 0)
            out->len += (size_t)n;
        else if (n == 0)
            return 0;
        else if (errno != EINTR)
            return errno == EAGAIN ? ERR_TIMEOUT : -errno;
    }
}

/* "Content-Length: N" of the head, or -1. */
static int64_t content_length(struct str head)
{
    static const char name[] = "content-length:";
    struct str line;
    int64_t n;

    while (str_split(&head, '\n', &line)) {
        if (line.n < sizeof(name) || strncasecmp(line.p, name, sizeof(name) - 1) != 0)
            continue;
        line = str_trim((struct str){line.p + sizeof(name) - 1, line.n - (sizeof(name) - 1)});
        return str_i64(line, &n) == 0 && n >= 0 ? n : -1;
    }
    return -1;
}

/* Status and body out of the whole answer; a body that was cut is an error. */
static int agent_split(const struct buf *whole, struct buf *out, int *status)
{
    const char *end = whole->len ? memmem(whole->p, whole->len, "\r\n\r\n", 4) : NULL;
    struct str body, head;
    int64_t length;
    uint64_t code;

    if (end == NULL || whole->len < 12 || strncmp(whole->p, "HTTP/1.", 7) != 0 ||
        str_u64((struct str){whole->p + 9, 3}, &code) != 0)
        return ERR_CUT;
    head = (struct str){whole->p, (size_t)(end - whole->p)};
    body = (struct str){end + 4, whole->len - head.n - 4};
    length = content_length(head);
    if (length >= 0 && (size_t)length != body.n)
        return ERR_CUT;
    *status = (int)code;
    buf_str(out, body);
    return buf_status(out);
}

int agent_ask(const struct settings *s, const char *method, const char *path_and_query,
              struct str body, struct buf *out, int *status, struct errmsg *e)
{
    struct buf whole;
    int fd = agent_connect(s, e), error;

    if (fd < 0)
        return fd;
    buf_init(&whole, out->ceiling + CHUNK_BYTES);
    error = agent_send(fd, method, path_and_query, body);
    if (error == 0)
        error = agent_receive(fd, &whole);
    if (error == 0)
        error = agent_split(&whole, out, status);
    close(fd);
    buf_free(&whole);
    return error ? err_set(e, error, "the agent's answer: %s", err_text(error)) : 0;
}

const char *agent_error(struct buf *answer, int status, struct errmsg *e)
{
    cJSON *root = cJSON_ParseWithLength(buf_cstr(answer), answer->len);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(root, "error");

    (void)err_set(e, ERR_HTTP, "the agent answers HTTP %d", status);
    if (cJSON_IsString(text))
        str_copy(e->text, sizeof(e->text), str_of(text->valuestring));
    cJSON_Delete(root);
    return e->text;
}

void query_put(struct buf *out, const char *value)
{
    for (; *value; value++) {
        char c = *value;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';

        if (plain)
            buf_putc(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned char)c);
    }
}
