/* Pages of text for the tests: captures by name, fed in chunks of any size. */
#ifndef LW_TESTS_PAGE_H
#define LW_TESTS_PAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "lib/profile/text.h"

#define CEILING ((size_t)64 << 20)

struct page {
    char *p;
    size_t n;
};

static inline struct page load(const char *file)
{
    char path[512];
    struct page page = {malloc((size_t)8 << 20), 0};
    gzFile f;
    int n;

    snprintf(path, sizeof path, "%s/captures/%s", LW_TEST_DATA, file);
    f = gzopen(path, "rb"); /* reads plain files too */
    assert_non_null(f);
    n = gzread(f, page.p, 8u << 20);
    assert_true(n > 0);
    gzclose(f);
    page.n = (size_t)n;
    /* An exact end, so that AddressSanitizer sees a byte too far. */
    page.p = realloc(page.p, page.n);
    return page;
}

/* Feeds in chunks of the given size; 0: of random sizes. */
static inline int feed(struct text_parser *t, struct page page, size_t chunk,
                       struct text_result *r)
{
    uint32_t seed = 7;
    size_t at = 0;

    while (at < page.n) {
        size_t n = chunk;
        if (!n) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % 300;
        }
        n = n < page.n - at ? n : page.n - at;
        /* A copy of its own: a chunk may not be looked at after its call. */
        char *copy = malloc(n);
        memcpy(copy, page.p + at, n);
        text_feed(t, copy, n);
        free(copy);
        at += n;
    }
    return text_end(t, r);
}

/* A whole parse with everything new. */
static inline int parse_in(struct page page, size_t chunk, struct text_options o,
                           size_t ceiling, struct profile *p, struct text_result *r)
{
    struct text_parser *t;
    int rc;

    assert_int_equal(profile_init(p, ceiling), 0);
    assert_int_equal(text_new(&t, p, o), 0);
    rc = feed(t, page, chunk, r);
    text_free(&t);
    return rc;
}

static inline int parse(struct page page, struct profile *p, struct text_result *r)
{
    return parse_in(page, 16384, (struct text_options){0}, CEILING, p, r);
}

static inline int parse_text(const char *text, struct profile *p, struct text_result *r)
{
    struct page page = {(char *)(uintptr_t)text, strlen(text)};

    return parse(page, p, r);
}

#endif
