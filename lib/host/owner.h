/* Processes of /proc: who listens, who descends from whom.
 * Ownership: plain values. */
#ifndef LW_HOST_OWNER_H
#define LW_HOST_OWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The inode of the socket that listens where the URL points (own addresses
 * alone), or at a Unix path. 0: none. */
uint64_t owner_inode(const char *url, const char *unix_socket);
/* The process that holds a socket; 0: none that is visible. */
pid_t owner_pid(uint64_t inode);
/* Descendants of a process; returns how many, at most max. */
size_t owner_descendants(pid_t pid, pid_t *out, size_t max);

#endif
