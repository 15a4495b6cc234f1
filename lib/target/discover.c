/* From the kernel's tables of sockets to URLs to try. */
#include <stdio.h>
#include <string.h>

#include "lib/target/target.h"

/* Where people put pprof, the most telling first. */
static const uint16_t known_ports[] = {6060, 6061, 6062, 6063, 6064, 6065, 1777,
                                       8080, 8081, 8082, 8083, 8000, 8888, 9090,
                                       9091, 9000, 2112, 3000, 5000, 10000};
#define N_KNOWN (sizeof known_ports / sizeof *known_ports)

#define STATE_LISTEN "0A"

/* The next word of a line whose columns are padded by spaces. */
static bool word_next(struct str *line, struct str *word)
{
    while (str_split(line, ' ', word))
        if (word->n)
            return true;
    return false;
}

static void ipv4_print(const uint8_t b[4], char out[48])
{
    snprintf(out, 48, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

/* The longest run of two or more zero groups: *start and its length. */
static size_t zero_run(const uint16_t g[8], size_t *start)
{
    size_t best = 0;
    for (size_t i = 0; i < 8; i++) {
        size_t n = 0;
        while (i + n < 8 && g[i + n] == 0)
            n++;
        if (n > best) {
            best = n;
            *start = i;
        }
    }
    return best >= 2 ? best : 0;
}

/* RFC 5952: the longest run of zeros becomes "::". */
static void ipv6_print(const uint8_t b[16], char out[48])
{
    uint16_t g[8];
    size_t start = 8, used = 0;
    for (size_t i = 0; i < 8; i++)
        g[i] = (uint16_t)(b[2 * i] << 8 | b[2 * i + 1]);
    size_t run = zero_run(g, &start);
    for (size_t i = 0; i < 8; i++) {
        int n = 0;
        if (run && i == start) {
            n = snprintf(out + used, 48 - used, "::");
            i += run - 1;
        } else {
            bool colon = used && out[used - 1] != ':';
            n = snprintf(out + used, 48 - used, colon ? ":%x" : "%x", g[i]);
        }
        used += (size_t)n; /* at most 39 characters */
    }
}

/* The kernel prints each 32-bit word of the address as a number of the machine:
 * its bytes in memory are the address in network order. */
static int address_read(struct str hex, struct listener *l)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t b[16];
    size_t words = l->v6 ? 4 : 1;
    if (hex.n != words * 8)
        return ERR_SYNTAX;
    for (size_t i = 0; i < words; i++) {
        uint64_t v;
        if (str_hex((struct str){hex.p + i * 8, 8}, &v))
            return ERR_SYNTAX;
        uint32_t word = (uint32_t)v;
        memcpy(b + i * 4, &word, 4);
    }
    if (l->v6 && memcmp(b, mapped, sizeof mapped) == 0) {
        l->v6 = false; /* an IPv4 listener on an IPv6 socket */
        ipv4_print(b + 12, l->address);
    } else if (l->v6) {
        ipv6_print(b, l->address);
    } else {
        ipv4_print(b, l->address);
    }
    return 0;
}

/* sl local remote st queues timer retransmits uid timeout inode … */
static int listener_read(struct str line, bool v6, struct listener *out)
{
    struct str word[10], address, port = {NULL, 0};
    uint64_t port_value, uid;
    for (size_t i = 0; i < 10; i++)
        if (!word_next(&line, &word[i]))
            return ERR_SYNTAX;
    if (!str_is(word[3], STATE_LISTEN))
        return ERR_MISMATCH;
    *out = (struct listener){.v6 = v6};
    struct str rest = word[1];
    if (!str_split(&rest, ':', &address) || !str_split(&rest, ':', &port))
        return ERR_SYNTAX;
    if (address_read(address, out) || str_hex(port, &port_value) || port_value > UINT16_MAX ||
        str_u64(word[7], &uid) || str_u64(word[9], &out->inode))
        return ERR_SYNTAX;
    out->port = (uint16_t)port_value;
    out->uid = (uint32_t)uid;
    return 0;
}

size_t listeners_parse(struct str proc_net_tcp, bool v6, struct listener *out, size_t max)
{
    struct str line;
    size_t n = 0;
    while (n < max && str_split(&proc_net_tcp, '\n', &line))
        n += listener_read(line, v6, &out[n]) == 0;
    return n;
}

struct ranking {
    struct candidate *out;
    size_t n, max;
};

static void origin_add(struct ranking *r, const struct listener *l, const char *address,
                       bool v6)
{
    struct candidate c = {.inode = l->inode, .port = l->port};
    snprintf(c.origin, sizeof c.origin, v6 ? "http://[%s]:%u" : "http://%s:%u", address,
             l->port);
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(str_of(r->out[i].origin), str_of(c.origin)))
            return;
    if (r->n < r->max)
        r->out[r->n++] = c;
}

static void listener_add(struct ranking *r, const struct listener *l)
{
    struct str address = str_of(l->address);
    if (str_is(address, "0.0.0.0")) {
        origin_add(r, l, "127.0.0.1", false);
    } else if (str_is(address, "::")) {
        origin_add(r, l, "127.0.0.1", false); /* as a rule it takes both families */
        origin_add(r, l, "::1", true);
    } else {
        origin_add(r, l, l->address, l->v6);
    }
}

static bool port_in(uint16_t port, const uint16_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == port)
            return true;
    return false;
}

size_t candidates_rank(const struct listener *l, size_t n, bool all, const uint16_t *own_ports,
                       size_t n_own, struct candidate *out, size_t max)
{
    struct ranking r = {.out = out, .max = max};
    for (size_t k = 0; k < N_KNOWN; k++)
        for (size_t i = 0; i < n && !port_in(known_ports[k], own_ports, n_own); i++)
            if (l[i].port == known_ports[k])
                listener_add(&r, &l[i]);
    for (size_t i = 0; all && i < n; i++)
        if (!port_in(l[i].port, known_ports, N_KNOWN) && !port_in(l[i].port, own_ports, n_own))
            listener_add(&r, &l[i]);
    return r.n;
}
