#include "lib/target/target.h"

#include <stdio.h>
#include <string.h>

#define ACCEPTED \
    "[NAME=]http://HOST:PORT[/PATH], https://…, unix:///SOCKET[:/PATH], auto, auto-all"
#define SOCKET_PATH_MAX 107 /* sun_path without its zero */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_char(char c)
{
    return is_alnum(c) || c == '_' || c == '.' || c == '-';
}

static bool all_of(struct str s, bool (*accepts)(char))
{
    for (size_t i = 0; i < s.n; i++)
        if (!accepts(s.p[i]))
            return false;
    return true;
}

/* Printable, no space, and nothing that would begin a query: paths of profiles
 * are put behind it. */
static bool is_path_char(char c)
{
    return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '"' && c != '\\';
}

static bool is_ipv6_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
           c == ':' || c == '.';
}

static struct str skip(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

/* Copies when it fits. */
static int put(char *dst, size_t cap, struct str src)
{
    if (src.n >= cap)
        return ERR_LIMIT;
    str_copy(dst, cap, src);
    return 0;
}

/* "127.0.0.1" and "6060" → "127.0.0.1-6060"; what a folder's name cannot hold
 * becomes '-', and it begins with a letter or digit. */
static void name_default(char out[TARGET_NAME_MAX], struct str host, struct str port)
{
    char text[TARGET_NAME_MAX];
    int width = host.n < 40 ? (int)host.n : 40;
    snprintf(text, sizeof text, port.n ? "%.*s-%.*s" : "%.*s", width, host.p, (int)port.n,
             port.p);
    char *p = text;
    for (char *c = text; *c; c++)
        if (!is_name_char(*c))
            *c = '-';
    while (*p && !is_alnum(*p))
        p++;
    str_copy(out, TARGET_NAME_MAX, str_of(*p ? p : "target"));
}

/* Splits "host[:port]" or "[v6][:port]". */
static int authority_split(struct str text, struct str *host, struct str *port)
{
    size_t end = 0;
    *port = (struct str){"", 0};
    if (str_starts(text, "[")) {
        while (end < text.n && text.p[end] != ']')
            end++;
        if (end == text.n)
            return ERR_USAGE;
        *host = (struct str){text.p + 1, end - 1};
        if (!host->n || !all_of(*host, is_ipv6_char))
            return ERR_USAGE;
        end++;
    } else {
        while (end < text.n && text.p[end] != ':')
            end++;
        *host = (struct str){text.p, end};
        if (!host->n || !all_of(*host, is_name_char))
            return ERR_USAGE;
    }
    if (end == text.n)
        return 0;
    uint64_t value;
    *port = skip(text, end + 1);
    bool fits = text.p[end] == ':' && str_u64(*port, &value) == 0 && value > 0 &&
                value <= UINT16_MAX && port->n <= 5;
    return fits ? 0 : ERR_USAGE;
}

/* base = origin + path, with one '/' at the end; no path is pprof's. */
static int url_build(struct target_spec *out, struct str origin, struct str path)
{
    if (!all_of(path, is_path_char))
        return ERR_USAGE;
    if (path.n <= 1)
        path = STR("/debug/pprof/");
    const char *end = str_ends(path, "/") ? "" : "/";
    int n = snprintf(out->url, sizeof out->url, "%.*s%.*s%s", (int)origin.n, origin.p,
                     (int)path.n, path.p, end);
    return n < (int)sizeof out->url ? 0 : ERR_LIMIT;
}

/* "/run/app.sock[:/http/path]" */
static int unix_parse(struct str text, struct target_spec *out)
{
    size_t end = 0;
    while (end < text.n && !str_starts(skip(text, end), ":/"))
        end++;
    struct str socket = {text.p, end};
    struct str path = end < text.n ? skip(text, end + 1) : (struct str){"", 0};
    if (!str_starts(socket, "/") || socket.n > SOCKET_PATH_MAX)
        return ERR_USAGE;
    struct str file = socket, head;
    for (struct str rest = socket; str_split(&rest, '/', &head);)
        file = head;
    if (str_ends(file, ".sock"))
        file.n -= 5;
    name_default(out->name, file, (struct str){"", 0});
    int rc = put(out->unix_socket, sizeof out->unix_socket, socket);
    return rc ? rc : url_build(out, STR("http://localhost"), path);
}

static int url_parse(struct str text, struct target_spec *out)
{
    if (str_starts(text, "unix://"))
        return unix_parse(skip(text, 7), out);
    bool https = str_starts(text, "https://");
    const char *scheme = https ? "https://" : "http://";
    bool bare = !str_starts(text, scheme);
    struct str rest = bare ? text : skip(text, strlen(scheme));
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/')
        end++;
    struct str authority = {rest.p, end}, host, port;
    char local[32];
    if (str_starts(authority, ":") && authority.n <= 6) { /* as Go writes it: ":6060" */
        snprintf(local, sizeof local, "127.0.0.1%.*s", (int)authority.n, authority.p);
        authority = str_of(local);
    }
    int rc = authority_split(authority, &host, &port);
    if (rc || (bare && !port.n))
        return ERR_USAGE;
    name_default(out->name, host, port.n ? port : str_of(https ? "443" : "80"));
    char origin[TARGET_URL_MAX];
    int n = snprintf(origin, sizeof origin, "%s%.*s", scheme, (int)authority.n, authority.p);
    if (n >= (int)sizeof origin)
        return ERR_LIMIT;
    return url_build(out, str_of(origin), skip(rest, end));
}

/* "", bytes, a quantity or file:PATH. */
static int limit_parse(struct str text, struct target_spec *out)
{
    uint64_t bytes;
    bool fits =
        str_starts(text, "file:/") || (str_quantity(text, &bytes) == 0 && bytes <= INT64_MAX);
    return fits ? put(out->limit, sizeof out->limit, text) : ERR_USAGE;
}

/* Takes ",limit=…" off the end and "NAME=" off the front of *text. */
static int dressing_take(struct str *text, struct target_spec *out, struct str *name)
{
    for (size_t i = 0; i < text->n; i++) {
        if (!str_starts(skip(*text, i), ",limit="))
            continue;
        if (limit_parse(skip(*text, i + 7), out))
            return ERR_USAGE;
        text->n = i;
    }
    struct str rest = *text, head;
    *name = (struct str){"", 0};
    if (!str_split(&rest, '=', &head) || !rest.p || !all_of(head, is_name_char))
        return 0;
    *name = head;
    *text = rest;
    return head.n && is_alnum(head.p[0]) && head.n < TARGET_NAME_MAX ? 0 : ERR_USAGE;
}

int target_parse(struct str text, struct target_spec *out, struct errmsg *e)
{
    struct str rest = str_trim(text), name;
    *out = (struct target_spec){.kind = TARGET_URL};
    int rc = dressing_take(&rest, out, &name);
    if (!rc && (str_is(rest, "auto") || str_is(rest, "auto-all"))) {
        out->kind = str_is(rest, "auto") ? TARGET_AUTO : TARGET_AUTO_ALL;
        str_copy(out->name, sizeof out->name, STR("target"));
    } else if (!rc) {
        rc = url_parse(rest, out);
    }
    if (rc)
        return err_set(e, ERR_USAGE, "target \"%.*s\": accepted is %s, then [,limit=BYTES]",
                       (int)(text.n < 80 ? text.n : 80), text.p, ACCEPTED);
    if (name.n)
        str_copy(out->name, sizeof out->name, name);
    return 0;
}
