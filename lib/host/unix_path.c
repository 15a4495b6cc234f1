#include "lib/host/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int unix_path_init(struct unix_path *u, const char *path)
{
    char folder[PATH_MAX];
    u->dir = -1;
    if (snprintf(u->text, sizeof u->text, "%s", path) < (int)sizeof u->text)
        return 0;
    const char *slash = strrchr(path, '/');
    if (!slash || slash - path >= PATH_MAX)
        return -ENAMETOOLONG;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    u->dir = open(*folder ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (u->dir < 0)
        return -errno;
    int n = snprintf(u->text, sizeof u->text, "/proc/self/fd/%d%s", u->dir, slash);
    if (n < (int)sizeof u->text)
        return 0;
    unix_path_fini(u);
    return -ENAMETOOLONG;
}

void unix_path_fini(struct unix_path *u)
{
    if (u->dir >= 0)
        close(u->dir);
    u->dir = -1;
}
