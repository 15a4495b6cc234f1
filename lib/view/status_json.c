/* The status as JSON and back, from one table: what is written is what is read. */
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/view/status_make.h"

enum field_type {
    FIELD_TEXT,
    FIELD_COUNT, /* int64; null when negative */
    FIELD_LINE,  /* int32 */
    FIELD_REAL,  /* double; null when 0 */
    FIELD_TIME,  /* wall ms; null when 0 */
    FIELD_BOOL
};

struct field {
    const char *key;
    enum field_type type;
    size_t offset, size;
};

/* An object of fields; key NULL: they stand in the object around. `needs` is
 * the offset of a text without which the object is null (0: none). */
struct group {
    const char *key;
    const struct field *fields;
    size_t n;
    size_t needs;
};

#define FIELD(owner, type, key, member)                                                        \
    {                                                                                          \
        key, FIELD_##type, offsetof(struct owner, member), sizeof(((struct owner *)0)->member) \
    }
#define GROUP(key, fields, needs)                                \
    {                                                            \
        key, fields, sizeof(fields) / sizeof((fields)[0]), needs \
    }

#define T(type, key, member) FIELD(status_target, type, key, member)
static const struct field target_fields[] = {
    T(TEXT, "name", name),
    T(TEXT, "url", url),
    T(TEXT, "state", state),
    T(TEXT, "problem", problem),
    T(TEXT, "store_problem", store_problem),
    T(TEXT, "last_dump", last_dump),
    T(COUNT, "stacks_span_ms", stacks_span_ms),
    T(COUNT, "series_span_ms", series_span_ms),
};
static const struct field life_fields[] = {
    T(COUNT, "id", life),
    T(TIME, "start", life_start_wall_ms),
    T(COUNT, "uptime_ms", uptime_ms),
};
static const struct field goroutine_fields[] = {
    T(COUNT, "count", goroutines),
    T(COUNT, "age_ms", goroutines_age_ms),
};
static const struct field memory_fields[] = {
    T(TEXT, "source", memory_source),     T(TEXT, "fastest_blowup", memory_blowup),
    T(COUNT, "usage_bytes", usage_bytes), T(COUNT, "limit_bytes", limit_bytes),
    T(COUNT, "age_ms", memory_age_ms),    T(REAL, "eta_s", memory_eta_s),
};
static const struct field heap_fields[] = {
    T(COUNT, "inuse_bytes", heap_bytes),
    T(COUNT, "age_ms", heap_age_ms),
};
static const struct field baseline_fields[] = {
    T(TEXT, "kind", baseline_kind),
    T(COUNT, "age_ms", baseline_age_ms),
    T(COUNT, "goroutines", baseline_goroutines),
};
static const struct field verdict_fields[] = {
    T(TEXT, "kind", verdict.kind),           T(TEXT, "grade", verdict.grade),
    T(TEXT, "detector", verdict.detector),   T(TEXT, "evidence", verdict.evidence),
    T(TIME, "since", verdict.since_wall_ms), T(REAL, "eta_s", verdict.eta_s),
    T(REAL, "eta_low_s", verdict.eta_low_s), T(REAL, "eta_high_s", verdict.eta_high_s),
};
static const struct field counter_fields[] = {
    T(COUNT, "scrapes", scrapes),
    T(COUNT, "failures", failures),
    T(COUNT, "cut", cut),
    T(COUNT, "skipped_budget", skipped_budget),
    T(COUNT, "skipped_headroom", skipped_headroom),
    T(COUNT, "dumps", dumps),
    T(COUNT, "dump_failures", dump_failures),
};
static const struct group target_groups[] = {
    GROUP(NULL, target_fields, 0),
    GROUP("life", life_fields, 0),
    GROUP("goroutines", goroutine_fields, 0),
    GROUP("memory", memory_fields, 0),
    GROUP("heap", heap_fields, 0),
    GROUP("baseline", baseline_fields, 0),
    GROUP("verdict", verdict_fields, offsetof(struct status_target, verdict.kind)),
    GROUP("counters", counter_fields, 0),
};

#define C(type, key, member) FIELD(manifest_culprit, type, key, member)
static const struct field stack_fields[] = {
    C(TEXT, "fingerprint", fingerprint),
    C(TEXT, "function", function),
    C(TEXT, "file", file),
    C(LINE, "line", line),
    C(COUNT, "before", before),
    C(COUNT, "now", now),
    C(REAL, "per_hour", per_hour),
    C(REAL, "share", share),
    C(REAL, "bytes_each", bytes_each),
    C(REAL, "explains", explains),
    C(TEXT, "unit", unit),
    C(TEXT, "pattern", pattern),
    C(TEXT, "blocking", blocking),
    C(TEXT, "helper", helper),
    C(TEXT, "part_of", part_of),
    C(TEXT, "advice", advice),
};
static const struct group stack_groups[] = {GROUP(NULL, stack_fields, 0)};

#define S(type, key, member) FIELD(status, type, key, member)
static const struct field status_fields[] = {
    S(TEXT, "version", version),
    S(TEXT, "source", source),
    S(TIME, "now", now_wall_ms),
    S(TIME, "started", started_wall_ms),
    S(TEXT, "store_problem", store_problem),
};
static const struct field history_fields[] = {
    S(COUNT, "bytes", history.bytes),
    S(COUNT, "used_bytes", history.used_bytes),
    S(COUNT, "stacks", history.stacks),
    S(COUNT, "reach_ms", history.reach_ms),
    S(COUNT, "finest_span_ms", history.finest_span_ms),
    S(COUNT, "torn_records", history.torn_records),
    S(BOOL, "shortened", history.shortened),
};
static const struct group status_groups[] = {
    GROUP(NULL, status_fields, 0),
    GROUP("history", history_fields, 0),
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ---- writing ---- */

static void field_write(struct json *j, const struct field *f, const char *owner)
{
    const void *at = owner + f->offset;
    int64_t whole;
    double real;

    json_key(j, f->key);
    switch (f->type) {
    case FIELD_TEXT: json_cstr(j, at); break;
    case FIELD_LINE: json_i64(j, *(const int32_t *)at); break;
    case FIELD_BOOL: json_bool(j, *(const bool *)at); break;
    case FIELD_TIME:
        memcpy(&whole, at, sizeof(whole));
        json_time_ms(j, whole);
        break;
    case FIELD_COUNT:
        memcpy(&whole, at, sizeof(whole));
        whole < 0 ? json_null(j) : json_i64(j, whole);
        break;
    case FIELD_REAL:
        memcpy(&real, at, sizeof(real));
        real == 0 ? json_null(j) : json_double(j, real);
        break;
    }
}

static void groups_write(struct json *j, const struct group *groups, size_t n,
                         const void *owner)
{
    for (size_t i = 0; i < n; i++) {
        const struct group *g = &groups[i];

        if (g->key)
            json_key(j, g->key);
        if (g->needs && ((const char *)owner)[g->needs] == '\0') {
            json_null(j);
            continue;
        }
        if (g->key)
            json_open(j);
        for (size_t f = 0; f < g->n; f++)
            field_write(j, &g->fields[f], owner);
        if (g->key)
            json_close(j);
    }
}

static void series_write(struct json *j, const char *key, const struct status_series *s)
{
    json_key(j, key);
    json_open_array(j);
    for (int i = 0; i < s->n; i++)
        json_i64(j, (int64_t)s->values[i]);
    json_close_array(j);
}

static void target_write(struct json *j, const struct status_target *t)
{
    json_open(j);
    groups_write(j, target_groups, N(target_groups), t);
    json_key(j, "stacks");
    json_open_array(j);
    for (int i = 0; i < t->n_stacks; i++) {
        json_open(j);
        groups_write(j, stack_groups, N(stack_groups), &t->stacks[i]);
        json_close(j);
    }
    json_close_array(j);
    series_write(j, "goroutine_series", &t->goroutine_series);
    series_write(j, "memory_series", &t->memory_series);
    json_close(j);
}

void status_json(const struct status *s, struct buf *out)
{
    struct json j;

    json_init(&j, out);
    json_open(&j);
    groups_write(&j, status_groups, N(status_groups), s);
    json_key(&j, "settings_problems");
    json_open_array(&j);
    for (int i = 0; i < s->n_settings_problems; i++)
        json_cstr(&j, s->settings_problems[i]);
    json_close_array(&j);
    json_kbool(&j, "leak", status_leaks(s));
    json_key(&j, "targets");
    json_open_array(&j);
    for (int i = 0; i < s->n_targets; i++)
        target_write(&j, &s->targets[i]);
    json_close_array(&j);
    json_close(&j);
    buf_putc(out, '\n');
}

/* ---- reading ---- */

static int64_t whole_of(const cJSON *item)
{
    return cJSON_IsNumber(item) && fabs(item->valuedouble) < 9e18 ? (int64_t)item->valuedouble
                                                                  : -1;
}

static void field_read(const cJSON *object, const struct field *f, char *owner)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->key);
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    void *at = owner + f->offset;
    int64_t whole = whole_of(item);
    double real = cJSON_IsNumber(item) ? item->valuedouble : 0;

    switch (f->type) {
    case FIELD_TEXT: str_copy(at, f->size, str_of(text)); break;
    case FIELD_LINE:
        *(int32_t *)at = whole >= 0 && whole < INT32_MAX ? (int32_t)whole : 0;
        break;
    case FIELD_BOOL: *(bool *)at = cJSON_IsTrue(item); break;
    case FIELD_TIME:
        if (moment_parse(str_of(text), &whole))
            whole = 0;
        memcpy(at, &whole, sizeof(whole));
        break;
    case FIELD_COUNT: memcpy(at, &whole, sizeof(whole)); break;
    case FIELD_REAL: memcpy(at, &real, sizeof(real)); break;
    }
}

static void groups_read(const cJSON *object, const struct group *groups, size_t n, void *owner)
{
    for (size_t i = 0; i < n; i++) {
        const cJSON *inner = object;

        if (groups[i].key)
            inner = cJSON_GetObjectItemCaseSensitive(object, groups[i].key);
        for (size_t f = 0; f < groups[i].n; f++)
            field_read(inner, &groups[i].fields[f], owner);
    }
}

static void series_read(const cJSON *object, const char *key, struct status_series *s)
{
    const cJSON *item;

    s->n = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(object, key))
    {
        if (s->n < STATUS_SERIES_MAX)
            s->values[s->n++] = (float)whole_of(item);
    }
}

static void target_read(const cJSON *object, struct status_target *t)
{
    const cJSON *item;

    groups_read(object, target_groups, N(target_groups), t);
    t->n_stacks = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(object, "stacks"))
    {
        if (t->n_stacks < STATUS_STACKS_MAX)
            groups_read(item, stack_groups, N(stack_groups), &t->stacks[t->n_stacks++]);
    }
    series_read(object, "goroutine_series", &t->goroutine_series);
    series_read(object, "memory_series", &t->memory_series);
}

int status_parse(struct status *out, const char *bytes, size_t n, struct errmsg *e)
{
    const cJSON *item, *targets;
    cJSON *root;

    memset(out, 0, sizeof(*out));
    if (n > STATUS_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "a status of %zu bytes is too large", n);
    root = cJSON_ParseWithLength(bytes, n);
    targets = cJSON_GetObjectItemCaseSensitive(root, "targets");
    if (!cJSON_IsArray(targets)) {
        cJSON_Delete(root);
        return err_set(e, ERR_SYNTAX, "this is not a status of leakwatch");
    }
    groups_read(root, status_groups, N(status_groups), out);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "settings_problems"))
    {
        if (cJSON_IsString(item) && out->n_settings_problems < STATUS_PROBLEMS_MAX)
            str_copy(out->settings_problems[out->n_settings_problems++],
                     sizeof(out->settings_problems[0]), str_of(item->valuestring));
    }
    cJSON_ArrayForEach(item, targets)
    {
        if (out->n_targets < SETTINGS_TARGETS_MAX)
            target_read(item, &out->targets[out->n_targets++]);
    }
    cJSON_Delete(root);
    return 0;
}
