/* How fast debug=1 text is parsed: bench_parse FILE [SECONDS]. Feeds pages made
 * of the file, 16 KiB a chunk as they come off a socket, and prints bytes/s of
 * CPU time three times:
 *
 *   first     each page by a new parser into a new profile
 *   changing  as of one program at work: each page has other counts, and 5 % of its
 *             stacks are new in every frame
 *   steady    the same page again and again
 *
 * Compare with tests/bench/goparse on the same file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/profile/text.h"

#define CHUNK_BYTES 16384
#define CEILING_BYTES ((size_t)256 << 20)
/* Pages changed beforehand, so that the clock is not read for each; few enough
 * to stay in the caches, as bytes that just came do. */
#define BATCH_BYTES ((size_t)256 << 10)
#define BATCH_MAX 64

struct page {
    char *p;
    size_t n;
};

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t chance(uint32_t below)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % below);
}

static struct page read_file(const char *path)
{
    struct page page = {NULL, 0};
    FILE *f = fopen(path, "rb");
    long size = -1;

    if (f && !fseek(f, 0, SEEK_END))
        size = ftell(f);
    if (size >= 0 && (page.p = malloc((size_t)size + 1))) {
        rewind(f);
        page.n = fread(page.p, 1, (size_t)size, f);
        page.p[page.n] = '\0';
    }
    if (f)
        fclose(f);
    return page;
}

/* Writes three digits into every address of a record, above the lowest two:
 * PCs and frames stay together. */
static void move_addresses(char *record, const char *end, uint32_t digits)
{
    static const char hex[] = "0123456789abcdef";

    for (char *at = record; at + 2 < end; at++) {
        size_t n;
        if (at[0] != '0' || at[1] != 'x' || at[-1] == '+') /* +0xOFF stays */
            continue;
        n = strspn(at + 2, hex);
        for (size_t i = 0; i < 3 && n > 5; i++)
            at[2 + n - 3 - i] = hex[digits >> 4 * i & 15];
        at += 1 + n;
    }
}

/* Where the next record's head begins, or NULL. */
static char *next_record(char *p)
{
    p = strstr(p, "\n\n");
    return p && p[2] >= '0' && p[2] <= '9' ? p + 2 : NULL;
}

static void change(struct page page)
{
    char *last = NULL, *record = strchr(page.p, '\n');

    for (record = record ? record + 1 : NULL; record; record = next_record(record)) {
        char *end = strstr(record, "\n\n");
        size_t n = strspn(record, "0123456789");
        if (end && !chance(20))
            move_addresses(record, end, chance(4096));
        if (chance(10) || record[n] == ':') /* a heap's bytes go with its counts */
            continue;
        if (last && strspn(last, "0123456789") == n)
            for (size_t i = 0; i < n; i++) {
                char c = last[i];
                last[i] = record[i];
                record[i] = c;
            }
        last = record;
    }
}

static int parse(struct text_parser *t, struct page page)
{
    struct text_result r;
    int rc;

    for (size_t at = 0; at < page.n; at += CHUNK_BYTES)
        text_feed(t, page.p + at, page.n - at < CHUNK_BYTES ? page.n - at : CHUNK_BYTES);
    rc = text_end(t, &r);
    if (rc)
        fprintf(stderr, "%s\n", r.error.text);
    return rc;
}

/* All parse for that long and return bytes/s; 0: it failed. */
static double measure_first(struct page page, double least)
{
    double start = cpu_seconds(), spent, bytes = 0;

    do {
        struct text_parser *t = NULL;
        struct profile p;
        int rc = profile_init(&p, CEILING_BYTES);
        if (!rc)
            rc = text_new(&t, &p, (struct text_options){0});
        if (rc || parse(t, page))
            return 0;
        text_free(&t);
        profile_free(&p);
        bytes += (double)page.n;
        spent = cpu_seconds() - start;
    } while (spent < least);
    return bytes / spent;
}

static double measure_again(struct page page, bool changing, double least)
{
    struct text_options o = {0};
    struct page batch[BATCH_MAX];
    size_t n = BATCH_BYTES / (page.n + 1) + 1;
    double spent = 0, bytes = 0, start;
    struct text_parser *t = NULL;
    struct profile p;

    if (profile_init(&p, CEILING_BYTES) || text_new(&t, &p, o) || parse(t, page))
        return 0;
    n = n < BATCH_MAX ? n : BATCH_MAX;
    for (size_t i = 0; i < n; i++)
        batch[i] = (struct page){strdup(page.p), page.n};
    while (spent < least) {
        for (size_t i = 0; changing && i < n; i++) {
            memcpy(batch[i].p, page.p, page.n);
            change(batch[i]);
        }
        start = cpu_seconds();
        for (size_t i = 0; i < n; i++) {
            text_restart(t, &p, o);
            if (parse(t, batch[i]))
                return 0;
        }
        spent += cpu_seconds() - start;
        bytes += (double)n * (double)page.n;
    }
    for (size_t i = 0; i < n; i++)
        free(batch[i].p);
    text_free(&t);
    profile_free(&p);
    return bytes / spent;
}

int main(int argc, char **argv)
{
    double least = argc > 2 ? strtod(argv[2], NULL) : 1, first, changing, steady;
    struct page page = argc > 1 ? read_file(argv[1]) : (struct page){NULL, 0};

    if (!page.p) {
        fprintf(stderr, "usage: bench_parse FILE [SECONDS]\n");
        return 2;
    }
    first = measure_first(page, least);
    changing = measure_again(page, true, least);
    steady = measure_again(page, false, least);
    printf("%.0f %.0f %.0f bytes/s first, changing, steady (%zu bytes)\n", first, changing,
           steady, page.n);
    free(page.p);
    return first <= 0 || changing <= 0 || steady <= 0;
}
