#include "lib/host/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>

#include "lib/host/unix_path.h"

struct answer {
    struct buf *out;
    int error;
};

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
    struct answer *a = ctx;
    n *= size;
    a->error = buf_reserve(a->out, n);
    if (a->error)
        return 0;
    buf_put(a->out, bytes, n);
    return n;
}

static int error_of(const struct answer *a, CURLcode code, long os_errno)
{
    switch ((int)code) {
    case CURLE_OK: return 0;
    case CURLE_COULDNT_CONNECT: return os_errno ? -(int)os_errno : -ECONNREFUSED;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_WRITE_ERROR: return a->error;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR: return ERR_CUT;
    case CURLE_OUT_OF_MEMORY: return -ENOMEM;
    default: return -EIO;
    }
}

static void setup(CURL *c, const char *socket, const char *url, int64_t deadline_ms,
                  struct answer *a)
{
    curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "leakwatch/" LW_VERSION);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
}

int client_request(const char *socket_path, const char *method, const char *path_and_query,
                   struct str body, int64_t deadline_ms, struct buf *out, int *status,
                   struct errmsg *e)
{
    struct unix_path socket;
    struct answer a = {.out = out};
    struct curl_slist *headers = NULL;
    char url[2048];
    long http = 0, os_errno = 0;
    int rc = unix_path_init(&socket, socket_path);
    if (rc)
        return err_set(e, rc, "%s: %s", socket_path, err_text(rc));
    CURL *c = curl_easy_init();
    if (!c ||
        snprintf(url, sizeof url, "http://localhost%s", path_and_query) >= (int)sizeof url) {
        rc = err_set(e, c ? ERR_LIMIT : -ENOMEM, "%.64s: cannot be asked", path_and_query);
        goto out;
    }
    setup(c, socket.text, url, deadline_ms, &a);
    if (str_is(str_of(method), "POST")) {
        headers = curl_slist_append(NULL, "Content-Type: application/json");
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.n ? body.p : "");
    }
    CURLcode code = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &http);
    curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &os_errno);
    *status = (int)http;
    rc = error_of(&a, code, os_errno);
    if (rc)
        err_set(e, rc, "%s: %s", socket_path, err_text(rc));
out:
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    unix_path_fini(&socket);
    return rc;
}
