#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/host/address.h"
#include "lib/host/server_parts.h"
#include "lib/host/unix_path.h"

#define BACKLOG 16

/* socket, bind, listen; the mode is what a Unix socket's file gets. */
static int listen_at(const struct sockaddr *a, socklen_t len)
{
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0)
        return -errno;
    if (a->sa_family == AF_UNIX)
        fchmod(fd, 0600); /* before bind, so that it is never wider */
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}

int socket_listen_tcp(const char *address_port, struct errmsg *e)
{
    struct sockaddr_storage a;
    socklen_t len;
    struct str host;
    uint16_t port;
    if (address_split(str_of(address_port), &host, &port) || !port ||
        address_for_bind(host, port, &a, &len))
        return err_set(e, -EINVAL, "%s: not an address:port", address_port);
    int fd = listen_at((struct sockaddr *)&a, len);
    return fd >= 0 ? fd : err_set(e, fd, "%s: %s", address_port, err_text(fd));
}

static bool answers(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool there = connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN;
    close(fd);
    return there;
}

int socket_listen_unix(const char *path, struct errmsg *e)
{
    struct unix_path u;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int rc = unix_path_init(&u, path);
    if (!rc) {
        str_copy(a.sun_path, sizeof a.sun_path, str_of(u.text));
        rc = answers(&a) ? -EADDRINUSE : 0;
        if (!rc) {
            unlink(u.text);
            rc = listen_at((struct sockaddr *)&a, sizeof a);
        }
        unix_path_fini(&u);
    }
    return rc >= 0 ? rc : err_set(e, rc, "%s: %s", path, err_text(rc));
}
