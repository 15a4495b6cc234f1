#include "lib/host/discover.h"

#include <net/if.h>
#include <stdlib.h>

#include "lib/host/address.h"
#include "lib/host/file.h"

#define TABLE_MAX_BYTES 262144
#define LISTENERS_MAX 128

/* A pod with hostNetwork sees the node's ports, which are not for us to try.
 * Nothing says so from inside; but a node's network shows the interfaces that
 * its CNI, bridges and proxies make for the pods, and a pod's does not. Outside
 * Kubernetes there is no such question. */
static bool is_host_network(void)
{
    static const char *const prefixes[] = {
        "veth", "cali", "cni",    "flannel", "docker", "lxc", "weave", "cilium_", "kube-",
        "eni",  "azv",  "antrea", "gke",     "ovn",    "br-", "virbr", NULL};
    if (!getenv("KUBERNETES_SERVICE_HOST"))
        return false;
    struct if_nameindex *list = if_nameindex();
    bool found = false;
    for (struct if_nameindex *i = list; i && i->if_name && !found; i++)
        for (int k = 0; prefixes[k]; k++)
            found |= str_starts(str_of(i->if_name), prefixes[k]);
    if (list)
        if_freenameindex(list);
    return found;
}

static size_t own_ports(const struct settings *s, uint16_t out[2])
{
    const char *const texts[2] = {s->listen, s->metrics_listen};
    struct str host;
    size_t n = 0;
    for (int i = 0; i < 2; i++)
        n += address_split(str_of(texts[i]), &host, &out[n]) == 0 && out[n] != 0;
    return n;
}

size_t discover_candidates(const struct settings *s, bool all, struct candidate *out,
                           size_t max)
{
    static struct listener list[LISTENERS_MAX]; /* not for the stack */
    static const char *const tables[2] = {"/proc/net/tcp", "/proc/net/tcp6"};
    uint16_t own[2];
    size_t n = 0;
    if (is_host_network())
        return 0;
    for (int i = 0; i < 2; i++) {
        struct buf b;
        buf_init(&b, TABLE_MAX_BYTES);
        if (file_read(tables[i], &b) == 0)
            n += listeners_parse(buf_view(&b), i == 1, list + n, LISTENERS_MAX - n);
        buf_free(&b);
    }
    size_t n_own = own_ports(s, own);
    return candidates_rank(list, n, all, own, n_own, out, max);
}
