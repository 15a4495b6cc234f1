/* Whose code is a frame? Told by the import path, which is the function's name
 * up to the first dot behind its last slash. */
#include "lib/detect/owner.h"

#include <string.h>

static const char *const standard[] = {
#define STANDARD(first) first,
#define DEPENDENCY(path)
#include "lib/detect/owner.def"
#undef STANDARD
#undef DEPENDENCY
};

static const char *const dependencies[] = {
#define STANDARD(first)
#define DEPENDENCY(path) path,
#include "lib/detect/owner.def"
#undef STANDARD
#undef DEPENDENCY
};

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

struct str owner_package(struct str function)
{
    struct str name = {function.p, 0};
    size_t start = 0;

    while (name.n < function.n && function.p[name.n] != '[') {
        if (function.p[name.n] == '/')
            start = name.n + 1;
        name.n++;
    }
    const char *dot = name.n > start ? memchr(name.p + start, '.', name.n - start) : NULL;
    return dot ? (struct str){name.p, (size_t)(dot - name.p)} : STR("");
}

static bool is_standard(struct str path)
{
    struct str first;

    if (!str_split(&path, '/', &first))
        return true;
    for (size_t i = 0; i < COUNT_OF(standard); i++) /* mostly told by the first letter */
        if (first.n && standard[i][0] == first.p[0] && str_is(first, standard[i]))
            return true;
    return first.n == 0;
}

/* "/go/pkg/mod/host/module@v1.2.3/file.go", "/src/vendor/host/module/file.go",
 * and Bazel's "external/host_module/file.go". */
static bool is_fetched(struct str file)
{
    const char *at = file.n ? memchr(file.p, '@', file.n) : NULL;

    for (size_t i = at ? (size_t)(at - file.p) : file.n; i + 2 < file.n; i++)
        if (file.p[i] == '@' && file.p[i + 1] == 'v' && file.p[i + 2] >= '0' &&
            file.p[i + 2] <= '9')
            return true;
    return str_contains(file, "/vendor/") || str_starts(file, "vendor/") ||
           str_starts(file, "external/");
}

enum owner owner_of(const struct frame *f)
{
    struct str path = owner_package(f->function);

    if (is_standard(path))
        return OWNER_STANDARD;
    for (size_t i = 0; i < COUNT_OF(dependencies); i++)
        if (path.p[0] == dependencies[i][0] && str_starts(path, dependencies[i]))
            return OWNER_KNOWN;
    if (is_fetched(f->file) && !str_is(path, "main"))
        return OWNER_DEPENDENCY;
    return OWNER_USER;
}

size_t owner_frame(const struct frame *frames, size_t n, bool *own)
{
    size_t fetched = n;

    for (size_t i = 0; i < n; i++) {
        enum owner o = owner_of(&frames[i]);

        if (o == OWNER_DEPENDENCY && fetched == n)
            fetched = i;
        if (o != OWNER_USER)
            continue;
        if (own)
            *own = true;
        return i;
    }
    if (own)
        *own = false;
    return fetched < n ? fetched : 0;
}

struct str owner_module(struct str function)
{
    static const char *const three[] = {"github.com/", "gitlab.com/", "bitbucket.org/",
                                        "golang.org/x/"};
    struct str path = owner_package(function);
    size_t elements = 2;

    if (is_standard(path))
        return path;
    for (size_t i = 0; i < COUNT_OF(three); i++)
        if (str_starts(path, three[i]))
            elements = 3;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '/' && --elements == 0)
            return (struct str){path.p, i};
    return path;
}

struct str owner_declared(struct str function)
{
    static const char *const made[] = {".func", ".gowrap", ".deferwrap"};
    size_t at = owner_package(function).n;

    for (; at < function.n; at++)
        for (size_t i = 0; i < COUNT_OF(made); i++) {
            struct str rest = {function.p + at, function.n - at};
            size_t n = strlen(made[i]);

            if (str_starts(rest, made[i]) && rest.n > n && rest.p[n] >= '0' && rest.p[n] <= '9')
                return (struct str){function.p, at};
        }
    return function;
}

struct str owner_type(struct str function)
{
    size_t at = owner_package(function).n;
    struct str rest = {function.p + at, function.n - at};
    const char *end = str_starts(rest, ".(") ? memchr(rest.p, ')', rest.n) : NULL;

    if (end)
        return (struct str){function.p, (size_t)(end + 1 - function.p)};
    return owner_declared(function);
}

struct str owner_short(struct str function)
{
    size_t slash = 0, n = owner_package(function).n;

    for (size_t i = 0; i < n; i++)
        if (function.p[i] == '/')
            slash = i + 1;
    return (struct str){function.p + slash, function.n - slash};
}
