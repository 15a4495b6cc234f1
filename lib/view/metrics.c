#include "lib/view/metrics.h"

#include <math.h>

/* A family's head; unit NULL for none. Counters are named without _total. */
static void family(struct buf *out, const char *name, const char *type, const char *unit,
                   const char *help)
{
    buf_printf(out, "# TYPE %s %s\n", name, type);
    if (unit)
        buf_printf(out, "# UNIT %s %s\n", name, unit);
    buf_printf(out, "# HELP %s %s\n", name, help);
}

static void label_value(struct buf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            buf_putc(out, '\\');
        if (*value == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *value);
    }
}

/* name{target="…"[,key="value"…]} */
static void labels(struct buf *out, const char *name, const struct watched *t, const char *key,
                   const char *value)
{
    buf_printf(out, "%s{target=\"", name);
    label_value(out, t->spec.name);
    if (key) {
        buf_printf(out, "\",%s=\"", key);
        label_value(out, value);
    }
    buf_puts(out, "\"} ");
}

struct gauge {
    const char *name, *unit, *help;
    double (*read)(const struct watched *t); /* NAN: no sample */
};

static double known(int64_t v, bool is)
{
    return is ? (double)v : (double)NAN;
}

static double read_up(const struct watched *t)
{
    return t->state == TARGET_ALIVE ? 1 : 0;
}

static double read_goroutines(const struct watched *t)
{
    return known(t->goroutines, t->goroutines >= 0);
}

static double read_memory(const struct watched *t)
{
    return known(t->usage_bytes, t->usage_bytes >= 0);
}

static double read_limit(const struct watched *t)
{
    return known(t->limit_bytes, t->limit_bytes > 0);
}

static double read_heap(const struct watched *t)
{
    return known(t->heap_bytes, t->heap_bytes >= 0);
}

static double read_life(const struct watched *t)
{
    return known((int64_t)t->life.record.id, t->life.record.id > 0);
}

/* The earlier of the verdict's and the memory's own. */
static double read_eta(const struct watched *t)
{
    double eta_s = t->judge.detect.verdict.finding.kind == VERDICT_NONE
                       ? 0
                       : t->judge.detect.verdict.forecast.eta_s;

    if (t->judge.emergency.near_s > 0 && (eta_s <= 0 || t->judge.emergency.near_s < eta_s))
        eta_s = t->judge.emergency.near_s;
    return eta_s > 0 ? eta_s : (double)NAN;
}

static const struct gauge gauges[] = {
    {"leakwatch_target_up", NULL, "Whether the target answers pprof requests.", read_up},
    {"leakwatch_target_goroutines", NULL, "Goroutines when last read.", read_goroutines},
    {"leakwatch_target_memory_bytes", "bytes", "Memory that counts against the limit.",
     read_memory},
    {"leakwatch_target_memory_limit_bytes", "bytes", "The memory limit, where known.",
     read_limit},
    {"leakwatch_target_heap_inuse_bytes", "bytes", "Live heap of the last heap profile.",
     read_heap},
    {"leakwatch_target_life", NULL, "Number of the target's present life.", read_life},
    {"leakwatch_oom_eta_seconds", "seconds", "Forecast of the time left to the limit.",
     read_eta},
};

struct counter {
    const char *name, *help;
    uint64_t (*read)(const struct watched *t);
};

static uint64_t read_scrapes(const struct watched *t)
{
    return t->counters.scrapes;
}

static uint64_t read_failures(const struct watched *t)
{
    return t->counters.failures;
}

static uint64_t read_cut(const struct watched *t)
{
    return t->counters.cut;
}

static uint64_t read_dump_failures(const struct watched *t)
{
    return t->counters.dump_failures;
}

static const struct counter counters[] = {
    {"leakwatch_scrapes", "Requests sent to the target.", read_scrapes},
    {"leakwatch_scrape_failures", "Requests that failed.", read_failures},
    {"leakwatch_scrapes_cut", "Bodies that ended before they were whole.", read_cut},
    {"leakwatch_dump_failures", "Dumps that could not be written.", read_dump_failures},
};

static void write_gauges(const struct watch *w, struct buf *out)
{
    for (size_t g = 0; g < sizeof(gauges) / sizeof(gauges[0]); g++) {
        family(out, gauges[g].name, "gauge", gauges[g].unit, gauges[g].help);
        for (int i = 0; i < w->n_targets; i++) {
            double v = gauges[g].read(&w->targets[i]);

            if (!isfinite(v))
                continue;
            labels(out, gauges[g].name, &w->targets[i], NULL, NULL);
            buf_printf(out, "%.17g\n", v);
        }
    }
}

static void write_counters(const struct watch *w, struct buf *out)
{
    char name[64];
    struct buf text;

    for (size_t c = 0; c < sizeof(counters) / sizeof(counters[0]); c++) {
        family(out, counters[c].name, "counter", NULL, counters[c].help);
        buf_fixed(&text, name, sizeof(name));
        buf_printf(&text, "%s_total", counters[c].name);
        for (int i = 0; i < w->n_targets; i++) {
            labels(out, buf_cstr(&text), &w->targets[i], NULL, NULL);
            buf_printf(out, "%llu\n", (unsigned long long)counters[c].read(&w->targets[i]));
        }
    }
}

static void write_labelled(const struct watch *w, struct buf *out)
{
    family(out, "leakwatch_scrapes_skipped", "counter", NULL,
           "Requests not sent, to spare the target.");
    for (int i = 0; i < w->n_targets; i++) {
        const struct watched *t = &w->targets[i];

        labels(out, "leakwatch_scrapes_skipped_total", t, "reason", "budget");
        buf_printf(out, "%llu\n", (unsigned long long)t->counters.skipped_budget);
        labels(out, "leakwatch_scrapes_skipped_total", t, "reason", "headroom");
        buf_printf(out, "%llu\n", (unsigned long long)t->counters.skipped_headroom);
    }
    family(out, "leakwatch_dumps", "counter", NULL, "Dumps written, by trigger.");
    for (int i = 0; i < w->n_targets; i++) {
        for (int g = 0; g < TRIGGERS; g++) {
            labels(out, "leakwatch_dumps_total", &w->targets[i], "trigger",
                   trigger_text((enum trigger)g));
            buf_printf(out, "%llu\n", (unsigned long long)w->targets[i].counters.dumps[g]);
        }
    }
}

static void write_scrape_durations(const struct watch *w, struct buf *out)
{
    static const char *const kinds[FETCH_KINDS] = {
        [FETCH_INDEX] = "index",
        [FETCH_GOROUTINE] = "goroutine",
        [FETCH_HEAP] = "heap",
        [FETCH_MEMSTATS] = "memstats",
        [FETCH_METRICS] = "metrics",
        [FETCH_NATIVE_GOROUTINE] = "goroutine-native",
        [FETCH_SYMBOL] = "symbol",
        [FETCH_LEAK] = "goroutineleak",
        [FETCH_STACKS] = "goroutine-text",
        [FETCH_NATIVE_LEAK] = "goroutineleak-native",
        [FETCH_NATIVE_STACKS] = "goroutine-text-native",
    };

    family(out, "leakwatch_scrape_duration_seconds", "gauge", "seconds",
           "Latency of the last of the target's answers.");
    for (int i = 0; i < w->n_targets; i++) {
        for (int k = 0; k < FETCH_KINDS; k++) {
            int64_t us = w->targets[i].counters.latency_us[k];

            if (us <= 0 || kinds[k] == NULL)
                continue;
            labels(out, "leakwatch_scrape_duration_seconds", &w->targets[i], "profile",
                   kinds[k]);
            buf_printf(out, "%.6f\n", (double)us / 1e6);
        }
    }
}

static void write_verdicts(const struct watch *w, struct buf *out)
{
    family(out, "leakwatch_verdict", "gauge", NULL, "1 while such a verdict stands.");
    for (int i = 0; i < w->n_targets; i++) {
        const struct finding *f = &w->targets[i].judge.detect.verdict.finding;

        if (f->kind == VERDICT_NONE)
            continue;
        buf_puts(out, "leakwatch_verdict{target=\"");
        label_value(out, w->targets[i].spec.name);
        buf_printf(out, "\",kind=\"%s\",grade=\"%s\"} 1\n", verdict_kind_text(f->kind),
                   verdict_grade_text(f->grade));
    }
}

void metrics_write(const struct watch *w, int n_settings_problems, bool store_problem,
                   struct buf *out)
{
    family(out, "leakwatch_build", "info", NULL, "The version that runs.");
    buf_printf(out, "leakwatch_build_info{version=\"%s\"} 1\n", LW_VERSION);
    write_gauges(w, out);
    write_verdicts(w, out);
    write_counters(w, out);
    write_labelled(w, out);
    write_scrape_durations(w, out);
    family(out, "leakwatch_settings_problems", "gauge", NULL, "Settings that were ignored.");
    buf_printf(out, "leakwatch_settings_problems %d\n", n_settings_problems);
    family(out, "leakwatch_store_problem", "gauge", NULL, "1 while nothing can be written.");
    buf_printf(out, "leakwatch_store_problem %d\n", store_problem ? 1 : 0);
    buf_puts(out, "# EOF\n");
}
