/* Paths of Unix sockets that are longer than sun_path.
 * Ownership: a unix_path owns one descriptor until unix_path_fini. */
#ifndef LW_HOST_UNIX_PATH_H
#define LW_HOST_UNIX_PATH_H

#define UNIX_PATH_MAX_BYTES 108 /* sun_path, its zero included */

struct unix_path {
    char text[UNIX_PATH_MAX_BYTES];
    int dir; /* the folder, where text goes through it; else -1 */
};

/* The path itself, or "/proc/self/fd/N/NAME" when it is too long. 0 or a
 * negative errno; nothing is held then. */
int unix_path_init(struct unix_path *u, const char *path);
void unix_path_fini(struct unix_path *u);

#endif
