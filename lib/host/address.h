/* Addresses of our own: literal ones and "localhost"; never a name lookup.
 * Ownership: spans of the caller. */
#ifndef LW_HOST_ADDRESS_H
#define LW_HOST_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/str.h"

/* "host:port", "[v6]:port", "host", ":port" into its parts (no brackets), which
 * may be empty. 0 or ERR_SYNTAX. */
int address_split(struct str text, struct str *host, uint16_t *port);
/* Host and port of a URL's authority; port 0 when it has none. */
int address_of_url(const char *url, struct str *host, uint16_t *port);
/* "localhost", a loopback literal, or a literal of one of our interfaces. */
bool address_is_own(struct str host);
/* A literal (or "localhost": 127.0.0.1; "": any) for bind; 0 or -EINVAL. */
int address_for_bind(struct str host, uint16_t port, struct sockaddr_storage *out,
                     socklen_t *len);

#endif
