/* Whose code is a frame: the standard library's, a dependency's, the user's?
 * Told by the import path, by the lists of owner.def, and by the file: what
 * comes from the module cache has its version in the path.
 *
 * Ownership: spans borrow what they were cut from. */
#ifndef LW_DETECT_OWNER_H
#define LW_DETECT_OWNER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "lib/profile/profile.h"

enum owner {
    OWNER_STANDARD, /* also C, which has no package */
    OWNER_KNOWN,    /* a dependency of the list */
    OWNER_DEPENDENCY /* of no list, but from the module cache, vendor/ or external/ */,
    OWNER_USER
};
enum owner owner_of(const struct frame *f);

/* The innermost frame that is the user's; without one, the innermost of a
 * dependency that is in no list (the main module too has a version when it was
 * made by `go install`); else the leaf. *own (may be NULL): it is the user's.
 * 0 and false when n is 0. */
size_t owner_frame(const struct frame *frames, size_t n, bool *own);

/* "net/http" of "net/http.(*Client).Do"; empty of C. */
struct str owner_package(struct str function);
/* The module as far as a path tells: "github.com/jackc/pgx" of anything there,
 * the package itself for the standard library. */
struct str owner_module(struct str function);
/* "main.fetch" of "main.fetch.func1.2" and "main.fetch.gowrap1": the function
 * in whose text it stands. */
struct str owner_declared(struct str function);
/* "main.(*T)" of "main.(*T).run.func1"; of a plain function as owner_declared. */
struct str owner_type(struct str function);
/* "grpc.NewClient" of "google.golang.org/grpc.NewClient": as Go code has it. */
struct str owner_short(struct str function);

#endif
