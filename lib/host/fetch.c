#include "lib/host/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/host/address.h"
#include "lib/host/fetch_parts.h"

#define HEADERS_MAX_BYTES 32768
/* Of an answer other than 200 so much is read, to keep the connection. */
#define REFUSAL_MAX_BYTES 65536
#define BUFFER_BYTES 16384L

/* ---- the answer as it comes ---- */

static size_t on_header(char *bytes, size_t size, size_t n, void *target)
{
    struct fetch_target *t = target;
    (void)bytes;
    t->header_bytes += (int64_t)(size * n);
    if (t->header_bytes <= HEADERS_MAX_BYTES)
        return size * n;
    t->stop = ERR_LIMIT;
    return 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *target)
{
    struct fetch_target *t = target;
    struct fetch *f = t->fetch;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    bool wanted = status == 200;
    int64_t most = wanted ? f->limit_bytes : REFUSAL_MAX_BYTES;
    n *= size;
    if (t->body_bytes + (int64_t)n > most)
        t->stop = wanted ? ERR_LIMIT : ERR_HTTP;
    else if (wanted && f->on_body)
        t->stop = f->on_body(f, bytes, n);
    if (t->stop)
        return 0;
    t->body_bytes += (int64_t)n;
    return n;
}

/* ---- its end ---- */

/* curl's code to ours. A body counts only when it is whole: what ends early is
 * ERR_CUT, also before the first header (a server's write timeout). */
static int error_of(const struct fetch_target *t, CURLcode code, int status, long os_errno)
{
    switch ((int)code) {
    case CURLE_OK: return status == 200 ? 0 : ERR_HTTP;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING: return ERR_CUT;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        /* In the body this is a cut too: a chunk that is none, a reset. */
        return status ? ERR_CUT : os_errno ? -(int)os_errno : -ECONNRESET;
    case CURLE_COULDNT_CONNECT: return os_errno ? -(int)os_errno : -ECONNREFUSED;
    case CURLE_COULDNT_RESOLVE_HOST: return -EHOSTUNREACH;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK: return t->stop ? t->stop : -ECANCELED;
    case CURLE_UNSUPPORTED_PROTOCOL: /* no HTTP/1 status line: h2c, gRPC, TLS */
    case CURLE_WEIRD_SERVER_REPLY: return ERR_NOT_PPROF;
    case CURLE_OUT_OF_MEMORY: return -ENOMEM;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return -EPROTO;
    default: return -EIO;
    }
}

/* The server ended it: GnuTLS's handshake has a code for that, mbedTLS's words. */
static bool is_dropped(const struct fetch_target *t, CURLcode code)
{
    return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
           (code == CURLE_SSL_CONNECT_ERROR &&
            (strstr(t->why, "failure:") || strstr(t->why, "alert")));
}

/* The reason in words: curl's, but where it has none or leads astray. */
static void why_fill(const struct fetch_target *t, CURLcode code, struct fetch_result *r)
{
    const struct settings *s = t->fetcher->settings;
    const char *path = *t->fetch->path ? t->fetch->path : "index";
    const char *socket = t->fetcher->specs[t->index].unix_socket;
    struct str words = str_trim(str_of(*t->why ? t->why : err_text(r->error)));
    bool https = str_starts(str_of(t->url), "https:");
    if (r->error == ERR_HTTP)
        err_set(&r->why, 0, "%s: HTTP status %d", path, r->status);
    else if (code == CURLE_COULDNT_CONNECT && *socket)
        err_set(&r->why, 0, "cannot connect to %s: %s", socket, err_text(r->error));
    else if (code == CURLE_SSL_CACERT_BADFILE)
        err_set(&r->why, 0, "no CA certificates can be read from %s",
                *s->target_ca_file ? s->target_ca_file : "the system (set target-ca-file)");
    else if (https && r->status == 0 && !*s->target_cert_file && is_dropped(t, code))
        err_set(&r->why, 0, "%s: ended by the server (is a client certificate wanted?)", path);
    else if (code == CURLE_WRITE_ERROR) /* we ended it */
        err_set(&r->why, 0, "%s: %s", path, err_text(r->error));
    else if (r->error == ERR_NOT_PPROF)
        err_set(&r->why, 0, "%s: no HTTP/1 but another protocol (gRPC, HTTP/2, TLS?)", path);
    else if (r->error)
        err_set(&r->why, 0, "%s: %.*s", path, (int)words.n, words.p);
}

static void result_fill(struct fetch_target *t, CURLcode code, struct fetch_result *r)
{
    long status = 0, os_errno = 0;
    curl_off_t total_us = 0, sent_us = 0;
    char *type = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno);
    curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    *r = (struct fetch_result){.status = (int)status, .bytes = t->body_bytes};
    r->error = error_of(t, code, r->status, os_errno);
    r->latency_us = total_us > sent_us ? total_us - sent_us : 0;
    r->latency_ms = (r->latency_us + 500) / 1000;
    str_copy(r->content_type, sizeof r->content_type, str_of(type));
    r->refused =
        code == CURLE_COULDNT_CONNECT && (r->error == -ECONNREFUSED || r->error == -ENOENT);
    why_fill(t, code, r);
}

static void fetch_end(struct fetch_target *t, const struct fetch_result *r)
{
    struct fetch *f = t->fetch;
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    t->fetch = NULL; /* on_done may ask again */
    f->impl = NULL;
    f->on_done(f, r);
}

void fetch_finish(struct fetch_target *t, CURLcode code)
{
    struct fetch_result r;
    curl_socket_t fd = CURL_SOCKET_BAD;
    result_fill(t, code, &r);
    if (code == CURLE_OK)
        curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
    curl_multi_remove_handle(t->multi, t->easy);
    if (fd != CURL_SOCKET_BAD)
        fetch_idle_start(t, fd);
    fetch_end(t, &r);
}

/* ---- its beginning ---- */

/* What holds for every request of a target. */
static void easy_setup(struct fetch_target *t)
{
    const struct settings *s = t->fetcher->settings;
    const struct target_spec *spec = &t->fetcher->specs[t->index];
    CURL *c = t->easy;
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_USERAGENT, "leakwatch/" LW_VERSION);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, fetch_idle_close);
    curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, t);
    if (*spec->unix_socket)
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, spec->unix_socket);
    if (*s->target_ca_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, s->target_ca_file);
        /* Else the system's are believed as well, and read at each connection. */
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    if (*s->target_cert_file)
        curl_easy_setopt(c, CURLOPT_SSLCERT, s->target_cert_file);
    if (*s->target_key_file)
        curl_easy_setopt(c, CURLOPT_SSLKEY, s->target_key_file);
}

/* No certificate is checked only where the answer cannot come from outside. */
static void verify_setup(struct fetch_target *t)
{
    struct str host;
    uint16_t port;
    bool own = t->fetcher->settings->target_insecure &&
               address_of_url(t->url, &host, &port) == 0 && address_is_own(host);
    curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, own ? 0L : 1L);
    curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, own ? 0L : 2L);
    if (own) { /* the system's would be read all the same, at each connection */
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
    }
}

static int url_setup(struct fetch_target *t, const char *path)
{
    char url[TARGET_URL_MAX + sizeof((struct fetch *)0)->path];
    size_t base = strlen(t->url);
    if (*path == '/') {
        const char *authority = strstr(t->url, "://");
        base = authority ? (size_t)(authority - t->url) + 3 : 0;
        base += strcspn(t->url + base, "/");
    }
    snprintf(url, sizeof url, "%.*s%s", (int)base, t->url, path);
    return curl_easy_setopt(t->easy, CURLOPT_URL, url) ? -ENOMEM : 0;
}

/* Credentials go to targets that were named, not to ports that were found: these
 * may be another container's. */
static int headers_setup(struct fetch_target *t)
{
    struct errmsg e = {""};
    const struct fetcher *r = t->fetcher;
    if (r->specs[t->index].kind != TARGET_URL)
        return 0;
    int rc = fetch_headers(r->settings, &t->headers, &e);
    if (rc)
        str_copy(t->why, sizeof t->why, str_of(e.text));
    return rc;
}

int fetcher_start(struct fetcher *r, struct fetch *f)
{
    if (f->target < 0 || f->target >= r->n)
        return -EINVAL;
    struct fetch_target *t = &r->targets[f->target];
    if (t->fetch)
        return -EBUSY;
    if (!*t->url)
        return -EDESTADDRREQ;
    fetch_idle_stop(t);
    t->fetch = f;
    f->impl = t;
    t->body_bytes = t->header_bytes = 0;
    t->why[0] = 0;
    t->stop = headers_setup(t);
    if (!t->stop)
        t->stop = url_setup(t, f->path);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)f->deadline_ms);
    if (!t->stop && curl_multi_add_handle(t->multi, t->easy))
        t->stop = -EIO;
    if (t->stop) /* on_done tells, not from within this call */
        fetch_loop_defer(t);
    return 0;
}

void fetcher_cancel(struct fetcher *r, struct fetch *f)
{
    struct fetch_target *t = f->impl;
    if (!t || t->fetcher != r || t->fetch != f)
        return;
    struct fetch_result result = {.error = -ECANCELED, .bytes = t->body_bytes};
    err_set(&result.why, 0, "%s: given up", f->path);
    curl_multi_remove_handle(t->multi, t->easy);
    uv_timer_stop(&t->timer); /* a deferred failure */
    fetch_end(t, &result);
}

void fetcher_retarget(struct fetcher *r, int target, const char *origin)
{
    if (target < 0 || target >= r->n)
        return;
    struct fetch_target *t = &r->targets[target];
    fetch_idle_stop(t);
    snprintf(t->url, sizeof t->url, "%s/debug/pprof/", origin);
    verify_setup(t);
}

const char *fetcher_url(const struct fetcher *r, int target)
{
    return target >= 0 && target < r->n ? r->targets[target].url : "";
}

int fetcher_init(struct fetcher *r, uv_loop_t *loop, struct io *io, const struct settings *s,
                 const struct target_spec *specs, int n)
{
    *r = (struct fetcher){.loop = loop, .io = io, .settings = s, .specs = specs};
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return -ENOMEM;
    for (; r->n < n; r->n++) {
        struct fetch_target *t = &r->targets[r->n];
        t->fetcher = r;
        t->index = r->n;
        str_copy(t->url, sizeof t->url, str_of(specs[r->n].url));
        t->easy = curl_easy_init();
        if (!t->easy)
            return -ENOMEM;
        int rc = fetch_loop_init(t);
        if (rc) {
            curl_easy_cleanup(t->easy);
            uv_close((uv_handle_t *)&t->timer, NULL);
            return rc;
        }
        easy_setup(t);
        verify_setup(t);
    }
    return 0;
}

void fetcher_close(struct fetcher *r)
{
    for (int i = 0; i < r->n; i++) {
        struct fetch_target *t = &r->targets[i];
        fetch_idle_stop(t);
        curl_multi_remove_handle(t->multi, t->easy);
        curl_slist_free_all(t->headers);
        t->headers = NULL;
        curl_easy_cleanup(t->easy);
        curl_multi_cleanup(t->multi);
        uv_close((uv_handle_t *)&t->timer, NULL);
    }
    r->n = 0;
    if (r->loop)
        curl_global_cleanup();
}
