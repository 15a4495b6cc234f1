/* Spans of bytes and the few ways the parsers read them.
 * Ownership: a span never owns; it lives as long as the bytes it points to. */
#ifndef LW_BASE_STR_H
#define LW_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

struct str str_of(const char *z); /* z may be NULL: empty */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *z);
bool str_starts(struct str a, const char *prefix);
bool str_ends(struct str a, const char *suffix);
bool str_contains(struct str a, const char *needle); /* needle not empty */
struct str str_trim(struct str a);                   /* ASCII white space */

/* Takes the bytes up to sep (dropped) or all; *rest keeps what follows.
 * Returns false when *rest is already exhausted (p == NULL): "a," gives "a"
 * and "", and "" gives "" once. */
bool str_split(struct str *rest, char sep, struct str *head);

/* Whole-span numbers: 0, or -EINVAL (not a number), -ERANGE; *out is written on
 * success alone. No white space, no '+'; a double is decimal and finite. */
int str_u64(struct str a, uint64_t *out);
int str_i64(struct str a, int64_t *out);
int str_hex(struct str a, uint64_t *out); /* with or without 0x */
int str_double(struct str a, double *out);

/* A Kubernetes quantity in bytes: "128Mi", "1G", "1.5Gi", "4096", "2e9", "100m"
 * (a tenth); fractions round up. 0, -EINVAL, or -ERANGE (also below zero). */
int str_quantity(struct str a, uint64_t *bytes);

/* A duration in ms: "500ms", "10s", "2m", "1h30m", "1.5d"; bare = seconds;
 * fractions round up. 0, -EINVAL, or -ERANGE (also below zero). */
int str_duration(struct str a, int64_t *ms);

/* Copies into dst (cap > 0), cutting, always terminated; returns dst. */
char *str_copy(char *dst, size_t cap, struct str src);

/* Length of the UTF-8 character that a begins with, 1 to 4; 0 when it begins
 * with none (empty, malformed, overlong, a surrogate, beyond U+10FFFF). */
size_t str_utf8(struct str a);

/* 64-bit content hash, the same on every machine and version; not for adversaries unless
 * seeded. */
uint64_t str_hash(struct str a, uint64_t seed);

#endif
