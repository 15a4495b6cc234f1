/* How fast debug=1 text is parsed: bench_parse FILE [SECONDS] [first]. Feeds the
 * file again and again, 16 KiB a chunk as it comes off a socket, and prints
 * bytes/s of CPU time: as one program is scraped again and again or, with
 * "first", with every page as the first of its program. Compare with
 * tests/bench/goparse on the same file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/profile/text.h"

#define CHUNK_BYTES 16384

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;
    long size = -1;

    if (f && !fseek(f, 0, SEEK_END))
        size = ftell(f);
    if (size >= 0 && (bytes = malloc((size_t)size + 1))) {
        rewind(f);
        *n = fread(bytes, 1, (size_t)size, f);
    }
    if (f)
        fclose(f);
    return bytes;
}

/* Parses for that long; with anew without what the page before left interned. */
static int measure(struct text_parser *t, struct profile *p, bool anew, const char *bytes,
                   size_t n, double least, struct text_result *r)
{
    struct text_options o = {0};
    size_t rounds = 0;
    double start = cpu_seconds(), spent;
    int rc;

    do {
        if (anew)
            profile_reset(p);
        text_restart(t, p, o);
        for (size_t at = 0; at < n; at += CHUNK_BYTES)
            text_feed(t, bytes + at, n - at < CHUNK_BYTES ? n - at : CHUNK_BYTES);
        rc = text_end(t, r);
        rounds++;
        spent = cpu_seconds() - start;
    } while (!rc && spent < least);
    if (rc)
        fprintf(stderr, "%s\n", r->error.text);
    else
        printf(
            "%.0f bytes/s %s (%.0f us a page of %zu bytes, %llu records; profile %zu bytes)\n",
            (double)rounds * (double)n / spent, anew ? "every page as the first" : "steady",
            1e6 * spent / (double)rounds, n, (unsigned long long)r->records, p->bytes);
    return rc;
}

int main(int argc, char **argv)
{
    struct text_options o = {0};
    struct text_result r;
    struct text_parser *t = NULL;
    struct profile p;
    size_t n = 0;
    double least = argc > 2 ? strtod(argv[2], NULL) : 2;
    char *bytes = argc > 1 ? read_file(argv[1], &n) : NULL;
    int rc;

    if (!bytes || profile_init(&p, (size_t)256 << 20) || text_new(&t, &p, o)) {
        fprintf(stderr, "usage: bench_parse FILE [SECONDS] [first]\n");
        return 2;
    }
    rc = measure(t, &p, argc > 3 && !strcmp(argv[3], "first"), bytes, n, least, &r);
    text_free(&t);
    profile_free(&p);
    free(bytes);
    return rc != 0;
}
