#include "lib/host/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "lib/base/err.h"

int address_split(struct str text, struct str *host, uint16_t *port)
{
    size_t end = 0;
    *port = 0;
    if (str_starts(text, "[")) {
        while (end < text.n && text.p[end] != ']')
            end++;
        if (end == text.n)
            return ERR_SYNTAX;
        *host = (struct str){text.p + 1, end - 1};
        end++;
    } else {
        while (end < text.n && text.p[end] != ':')
            end++;
        *host = (struct str){text.p, end};
    }
    if (end == text.n)
        return 0;
    uint64_t value;
    if (text.p[end] != ':' ||
        str_u64((struct str){text.p + end + 1, text.n - end - 1}, &value) || value > UINT16_MAX)
        return ERR_SYNTAX;
    *port = (uint16_t)value;
    return 0;
}

int address_of_url(const char *url, struct str *host, uint16_t *port)
{
    const char *start = strstr(url, "://");
    if (!start)
        return ERR_SYNTAX;
    start += 3;
    return address_split((struct str){start, strcspn(start, "/")}, host, port);
}

/* A literal; the address in network order and its length. 0 or -EINVAL. */
static int literal(struct str host, int *family, uint8_t bytes[16])
{
    char text[64];
    if (host.n >= sizeof text)
        return -EINVAL;
    str_copy(text, sizeof text, host);
    *family = AF_INET;
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 0;
    *family = AF_INET6;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 0 : -EINVAL;
}

static bool is_same(const struct sockaddr *a, int family, const uint8_t bytes[16])
{
    if (!a || a->sa_family != family)
        return false;
    if (family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr, bytes, 4) == 0;
    return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, bytes, 16) == 0;
}

bool address_is_own(struct str host)
{
    int family;
    uint8_t bytes[16];
    if (host.n == 9 && strncasecmp(host.p, "localhost", 9) == 0)
        return true;
    if (literal(host, &family, bytes))
        return false;
    if (family == AF_INET && bytes[0] == 127)
        return true;
    struct ifaddrs *list, *i;
    bool found = false;
    if (getifaddrs(&list))
        return false;
    for (i = list; i && !found; i = i->ifa_next)
        found = is_same(i->ifa_addr, family, bytes);
    freeifaddrs(list);
    return found;
}

int address_for_bind(struct str host, uint16_t port, struct sockaddr_storage *out,
                     socklen_t *len)
{
    int family;
    uint8_t bytes[16];
    if (host.n == 0)
        host = STR("0.0.0.0");
    if (str_is(host, "localhost"))
        host = STR("127.0.0.1");
    if (literal(host, &family, bytes))
        return -EINVAL;
    memset(out, 0, sizeof *out);
    if (family == AF_INET) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&a.sin_addr, bytes, 4);
        memcpy(out, &a, *len = sizeof a);
    } else {
        struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&a.sin6_addr, bytes, 16);
        memcpy(out, &a, *len = sizeof a);
    }
    return 0;
}
