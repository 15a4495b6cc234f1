/* One table says which member is where; writer and reader both walk it. */
#include "lib/dump/manifest.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/moment.h"

enum field_type {
    FIELD_TEXT,
    FIELD_I64,
    FIELD_U64,
    FIELD_I32,
    FIELD_BOOL,
    FIELD_DOUBLE,
    FIELD_TIME
};

struct field {
    const char *key;
    enum field_type type;
    size_t offset, size;
};

#define ROW(strukt, key, type, member)                      \
    {                                                       \
        key, FIELD_##type, offsetof(struct strukt, member), \
            sizeof(((struct strukt *)0)->member)            \
    }
#define M(key, type, member) ROW(manifest, key, type, member)

static const struct field head_fields[] = {
    M("schema", I32, schema),
    M("id", TEXT, id),
    M("leakwatch_version", TEXT, leakwatch_version),
    M("namespace", TEXT, namespace_),
    M("pod", TEXT, pod),
    M("node", TEXT, node),
    M("container", TEXT, container),
    M("version_label", TEXT, version_label),
    M("target", TEXT, target),
    M("url", TEXT, url),
    M("build_id", TEXT, build_id),
    M("life", U64, life),
    M("life_start", TIME, life_start_wall_ms),
    M("time", TIME, time_wall_ms),
    M("seq", U64, seq),
    M("trigger", TEXT, trigger),
    M("reason", TEXT, reason),
    M("phase", I32, phase),
    M("partial", BOOL, partial),
    M("goroutines", I64, goroutines),
    M("goroutines_age_ms", I64, goroutines_age_ms),
    M("open_set", TEXT, open_set),
    M("note", TEXT, note),
    M("durable", TIME, durable_wall_ms),
    M("durable_boot_ms", I64, durable_boot_ms),
};

static const struct field baseline_fields[] = {
    M("kind", TEXT, baseline.kind),
    M("time", TIME, baseline.time_wall_ms),
    M("age_ms", I64, baseline.age_ms),
    M("goroutines", I64, baseline.goroutines),
};

static const struct field verdict_fields[] = {
    M("kind", TEXT, verdict.kind),
    M("grade", TEXT, verdict.grade),
    M("detector", TEXT, verdict.detector),
    M("evidence", TEXT, verdict.evidence),
    M("eta_s", DOUBLE, verdict.eta_s),
    M("eta_low_s", DOUBLE, verdict.eta_low_s),
    M("eta_high_s", DOUBLE, verdict.eta_high_s),
    M("since", TIME, verdict.since_wall_ms),
};

static const struct field memory_fields[] = {
    M("source", TEXT, memory.source),
    M("usage_bytes", I64, memory.usage_bytes),
    M("limit_bytes", I64, memory.limit_bytes),
    M("eta_s", DOUBLE, memory.eta_s),
};

static const struct field heap_fields[] = {
    M("present", BOOL, heap.present),
    M("age_ms", I64, heap.age_ms),
    M("inuse_bytes", I64, heap.inuse_bytes),
    M("num_gc", I64, heap.num_gc),
    M("not_in_profile_bytes", I64, heap.not_in_profile_bytes),
};

/* The cause is a word: it is written and read beside this table. */
static const struct field outcome_fields[] = {
    M("exit_code", I32, outcome.exit_code),
    M("source", TEXT, outcome.source),
    M("time", TIME, outcome.death_wall_ms),
    M("lead_ms", I64, outcome.lead_ms),
};

#define C(key, type, member) ROW(manifest_culprit, key, type, member)
static const struct field culprit_fields[] = {
    C("fingerprint", TEXT, fingerprint),
    C("function", TEXT, function),
    C("file", TEXT, file),
    C("line", I32, line),
    C("before", I64, before),
    C("now", I64, now),
    C("per_hour", DOUBLE, per_hour),
    C("share", DOUBLE, share),
    C("bytes_each", DOUBLE, bytes_each),
    C("explains", DOUBLE, explains),
    C("unit", TEXT, unit),
    C("pattern", TEXT, pattern),
    C("blocking", TEXT, blocking),
    C("helper", TEXT, helper),
    C("part_of", TEXT, part_of),
    C("advice", TEXT, advice),
};

#define F(key, type, member) ROW(manifest_file, key, type, member)
static const struct field file_fields[] = {
    F("name", TEXT, name),
    F("bytes", I64, bytes),
    F("sha256", TEXT, sha256),
};

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

static const struct {
    const char *key;
    const struct field *fields;
    size_t n;
} objects[] = {
    {"baseline", baseline_fields, COUNT_OF(baseline_fields)},
    {"verdict", verdict_fields, COUNT_OF(verdict_fields)},
    {"memory", memory_fields, COUNT_OF(memory_fields)},
    {"heap", heap_fields, COUNT_OF(heap_fields)},
    {"outcome", outcome_fields, COUNT_OF(outcome_fields)},
};

static const char *const cause_texts[] = {
    [OUTCOME_NONE] = "",
    [OUTCOME_OOM] = "oom",
    [OUTCOME_PROBABLE_OOM] = "probable-oom",
    [OUTCOME_POD_SHUTDOWN] = "pod-shutdown",
    [OUTCOME_KILLED_OR_EXITED] = "killed-or-exited",
};

const char *outcome_cause_text(enum outcome_cause c)
{
    return (size_t)c < COUNT_OF(cause_texts) ? cause_texts[c] : "";
}

static char id_char(char c)
{
    bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '_' || c == '.' || c == '-';
    return kept ? c : '_';
}

void manifest_name(struct manifest *m)
{
    char time[MOMENT_TEXT_MAX];
    (void)snprintf(m->id, sizeof m->id, "%s-%.15s-%.63s-%llu",
                   moment_compact(m->time_wall_ms, time), m->trigger, m->target,
                   (unsigned long long)m->seq);
    for (char *c = m->id; *c; c++)
        *c = id_char(*c);
}

/* ---- writing ---- */

static void field_write(struct json *j, const struct field *f, const void *base)
{
    const char *at = (const char *)base + f->offset;
    int64_t i64;
    uint64_t u64;
    int32_t i32;
    double d;
    bool b;

    json_key(j, f->key);
    switch (f->type) {
    case FIELD_TEXT: json_str(j, (struct str){at, strnlen(at, f->size)}); break;
    case FIELD_I64: json_i64(j, *(const int64_t *)memcpy(&i64, at, sizeof i64)); break;
    case FIELD_U64: json_u64(j, *(const uint64_t *)memcpy(&u64, at, sizeof u64)); break;
    case FIELD_I32: json_i64(j, *(const int32_t *)memcpy(&i32, at, sizeof i32)); break;
    case FIELD_BOOL: json_bool(j, *(const bool *)memcpy(&b, at, sizeof b)); break;
    case FIELD_DOUBLE: json_double(j, *(const double *)memcpy(&d, at, sizeof d)); break;
    case FIELD_TIME: json_time_ms(j, *(const int64_t *)memcpy(&i64, at, sizeof i64)); break;
    }
}

static void fields_write(struct json *j, const struct field *f, size_t n, const void *base)
{
    for (size_t i = 0; i < n; i++)
        field_write(j, &f[i], base);
}

/* Objects that say nothing are left out. */
static bool object_wanted(const struct manifest *m, const char *key)
{
    if (!strcmp(key, "verdict"))
        return m->verdict.kind[0] != '\0';
    if (!strcmp(key, "outcome"))
        return m->outcome.cause != OUTCOME_NONE;
    return true;
}

static void array_write(struct json *j, const char *key, const struct field *f, size_t n_fields,
                        const void *items, size_t n_items, size_t item_bytes)
{
    json_key(j, key);
    json_open_array(j);
    for (size_t i = 0; i < n_items; i++) {
        json_open(j);
        fields_write(j, f, n_fields, (const char *)items + i * item_bytes);
        json_close(j);
    }
    json_close_array(j);
}

void manifest_write(const struct manifest *m, struct buf *out)
{
    struct json j;

    json_init(&j, out);
    json_open(&j);
    fields_write(&j, head_fields, COUNT_OF(head_fields), m);
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        if (!object_wanted(m, objects[i].key))
            continue;
        json_key(&j, objects[i].key);
        json_open(&j);
        if (objects[i].fields == outcome_fields)
            json_kcstr(&j, "cause", outcome_cause_text(m->outcome.cause));
        fields_write(&j, objects[i].fields, objects[i].n, m);
        json_close(&j);
    }
    array_write(&j, "culprits", culprit_fields, COUNT_OF(culprit_fields), m->culprits,
                (size_t)m->n_culprits, sizeof *m->culprits);
    array_write(&j, "files", file_fields, COUNT_OF(file_fields), m->files, (size_t)m->n_files,
                sizeof *m->files);
    json_close(&j);
    buf_putc(out, '\n');
}

/* ---- reading ---- */

/* Whole numbers beyond 2^53 are not exact in JSON's doubles: none of ours is. */
#define EXACT_MAX 9007199254740992.0

static int number_read(const cJSON *item, double low, double high, double *out)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= low && item->valuedouble <= high))
        return ERR_SYNTAX;
    *out = item->valuedouble;
    return 0;
}

static int time_read(const cJSON *item, int64_t *out)
{
    *out = 0;
    if (cJSON_IsNull(item))
        return 0;
    if (!cJSON_IsString(item) || moment_parse(str_of(item->valuestring), out))
        return ERR_SYNTAX;
    return 0;
}

static int double_read(const cJSON *item, double *out)
{
    *out = 0;
    return cJSON_IsNull(item) ? 0 : number_read(item, -HUGE_VAL, HUGE_VAL, out);
}

static int field_read(const cJSON *item, const struct field *f, void *base)
{
    char *at = (char *)base + f->offset;
    int64_t i64;
    uint64_t u64;
    int32_t i32;
    double d = 0;
    bool b;
    int rc = 0;

    switch (f->type) {
    case FIELD_TEXT:
        if (!cJSON_IsString(item))
            return ERR_SYNTAX;
        str_copy(at, f->size, str_of(item->valuestring));
        return 0;
    case FIELD_BOOL:
        b = cJSON_IsTrue(item);
        memcpy(at, &b, sizeof b);
        return cJSON_IsBool(item) ? 0 : ERR_SYNTAX;
    case FIELD_TIME:
        rc = time_read(item, &i64);
        memcpy(at, &i64, sizeof i64);
        return rc;
    case FIELD_DOUBLE:
        rc = double_read(item, &d);
        memcpy(at, &d, sizeof d);
        return rc;
    case FIELD_I64:
        rc = number_read(item, -EXACT_MAX, EXACT_MAX, &d);
        i64 = (int64_t)d;
        memcpy(at, &i64, sizeof i64);
        return rc;
    case FIELD_U64:
        rc = number_read(item, 0, EXACT_MAX, &d);
        u64 = (uint64_t)d;
        memcpy(at, &u64, sizeof u64);
        return rc;
    case FIELD_I32:
        rc = number_read(item, INT32_MIN, INT32_MAX, &d);
        i32 = (int32_t)d;
        memcpy(at, &i32, sizeof i32);
        return rc;
    }
    return ERR_SYNTAX;
}

static int fields_read(const cJSON *object, const struct field *f, size_t n, void *base,
                       const char *where, struct errmsg *e)
{
    if (!cJSON_IsObject(object))
        return err_set(e, ERR_SYNTAX, "manifest: %s is not an object", where);
    for (size_t i = 0; i < n; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f[i].key);
        if (item && field_read(item, &f[i], base))
            return err_set(e, ERR_SYNTAX, "manifest: %s.%s has an unexpected value", where,
                           f[i].key);
    }
    return 0;
}

static int array_read(const cJSON *root, const char *key, const struct field *f,
                      size_t n_fields, void *items, size_t max, size_t item_bytes, int *n,
                      struct errmsg *e)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(root, key), *item;

    *n = 0;
    if (!array)
        return 0;
    if (!cJSON_IsArray(array))
        return err_set(e, ERR_SYNTAX, "manifest: %s is not an array", key);
    cJSON_ArrayForEach(item, array)
    {
        if ((size_t)*n == max)
            return err_set(e, ERR_LIMIT, "manifest: more than %zu %s", max, key);
        int rc =
            fields_read(item, f, n_fields, (char *)items + (size_t)*n * item_bytes, key, e);
        if (rc)
            return rc;
        ++*n;
    }
    return 0;
}

static int cause_read(const cJSON *outcome, enum outcome_cause *cause, struct errmsg *e)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(outcome, "cause");

    for (size_t i = 0; cJSON_IsString(item) && i < COUNT_OF(cause_texts); i++)
        if (!strcmp(item->valuestring, cause_texts[i])) {
            *cause = (enum outcome_cause)i;
            return 0;
        }
    return err_set(e, ERR_SYNTAX, "manifest: outcome.cause is none that is known");
}

static int objects_read(const cJSON *root, struct manifest *m, struct errmsg *e)
{
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, objects[i].key);
        int rc =
            item ? fields_read(item, objects[i].fields, objects[i].n, m, objects[i].key, e) : 0;
        if (!rc && item && objects[i].fields == outcome_fields)
            rc = cause_read(item, &m->outcome.cause, e);
        if (rc)
            return rc;
    }
    return 0;
}

static int root_read(const cJSON *root, struct manifest *m, struct errmsg *e)
{
    int rc = fields_read(root, head_fields, COUNT_OF(head_fields), m, "top", e);

    if (rc)
        return rc;
    if (m->schema != MANIFEST_SCHEMA)
        return err_set(e, ERR_VERSION, "manifest: schema %d, this leakwatch reads %d",
                       m->schema, MANIFEST_SCHEMA);
    if ((rc = objects_read(root, m, e)))
        return rc;
    rc = array_read(root, "culprits", culprit_fields, COUNT_OF(culprit_fields), m->culprits,
                    MANIFEST_CULPRITS_MAX, sizeof *m->culprits, &m->n_culprits, e);
    if (rc)
        return rc;
    return array_read(root, "files", file_fields, COUNT_OF(file_fields), m->files,
                      MANIFEST_FILES_MAX, sizeof *m->files, &m->n_files, e);
}

int manifest_read(struct manifest *m, const char *bytes, size_t n, struct errmsg *e)
{
    const char *end = NULL;
    cJSON *root;
    int rc;

    *m = (struct manifest){.memory.usage_bytes = -1, .outcome.exit_code = -1};
    if (n > MANIFEST_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "manifest: %zu bytes, at most %d", n, MANIFEST_BYTES_MAX);
    root = cJSON_ParseWithLengthOpts(bytes, n, &end, false);
    if (!root)
        return err_set(e, ERR_SYNTAX, "manifest: not JSON at byte %zu",
                       end ? (size_t)(end - bytes) : 0);
    rc = root_read(root, m, e);
    cJSON_Delete(root);
    return rc;
}
