#include "tests/sim/service.h"

#include <stdio.h>
#include <string.h>

#include "lib/profile/proto.h"

#define HOUR_MS 3600000.0

int64_t service_leaked(const struct service *s, int64_t boot_ms)
{
    double hours = (double)(boot_ms - s->born_ms) / HOUR_MS;

    return (int64_t)(s->leak_per_hour * hours);
}

int64_t service_memory(const struct service *s, int64_t boot_ms)
{
    return s->base_bytes + service_leaked(s, boot_ms) * s->bytes_per_leak;
}

/* A cheap, repeatable noise of -3 … 3 goroutines a stack. */
static int64_t jitter(const struct service *s, int64_t boot_ms, int stack)
{
    uint64_t z = (uint64_t)(boot_ms / 10000) * 0x9e3779b97f4a7c15u + s->noise +
                 (uint64_t)stack * 0xbf58476d1ce4e5b9u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return (int64_t)((z ^ (z >> 31)) % 7) - 3;
}

static int64_t stack_count(const struct service *s, int64_t boot_ms, int stack)
{
    if (stack == 0)
        return service_leaked(s, boot_ms);
    return s->base_goroutines / (SERVICE_STACKS - 1) + jitter(s, boot_ms, stack);
}

/* What follows the count in a record of the page; made once, for a page is
 * printed 26,000 times in three days. */
static struct str record_tail(int stack)
{
    static char text[SERVICE_STACKS][256];
    unsigned pc = 0x500000u + (unsigned)stack * 0x1000u;
    struct buf out;

    if (text[stack][0] == '\0') {
        buf_fixed(&out, text[stack], sizeof(text[stack]));
        buf_printf(&out, " @ 0x48ab4e 0x41a58e %#x %#x 0x492421\n", pc + 1, pc + 0x101);
        if (stack == 0)
            buf_printf(&out, "#\t%#x\tmain.fetchUserData.func1+0x25\t/app/users.go:42\n", pc);
        else
            buf_printf(&out, "#\t%#x\tmain.worker%d+0x25\t/app/work.go:%d\n", pc, stack,
                       10 + stack);
        buf_printf(&out, "#\t%#x\tmain.run+0x11\t/app/main.go:%d\n\n", pc + 0x100, 100 + stack);
        (void)buf_cstr(&out);
    }
    return str_of(text[stack]);
}

static void record(struct buf *out, int64_t count, int stack)
{
    char digits[20];
    size_t n = sizeof(digits);

    if (count <= 0)
        return;
    for (; count > 0; count /= 10)
        digits[--n] = (char)('0' + count % 10);
    buf_put(out, digits + n, sizeof(digits) - n);
    buf_str(out, record_tail(stack));
}

/* What leaks, as one record each where labels tell them apart. */
static void leaked_records(struct buf *out, const struct service *s, int64_t count)
{
    struct str tail = record_tail(0);
    size_t head = (size_t)((const char *)memchr(tail.p, '\n', tail.n) - tail.p) + 1;

    if (!s->labelled) {
        record(out, count, 0);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        buf_puts(out, "1");
        buf_put(out, tail.p, head);
        buf_printf(out, "# labels: {\"request\":\"%lld\"}\n", (long long)i);
        buf_put(out, tail.p + head, tail.n - head);
    }
}

static int64_t total(const struct service *s, int64_t boot_ms)
{
    int64_t sum = 0;

    for (int i = 0; i < SERVICE_STACKS; i++) {
        int64_t count = stack_count(s, boot_ms, i);

        sum += count > 0 ? count : 0;
    }
    return sum;
}

static void page(const struct service *s, int64_t boot_ms, struct buf *out)
{
    int64_t leaked = stack_count(s, boot_ms, 0);
    bool first = !s->labelled && leaked > s->base_goroutines / (SERVICE_STACKS - 1);

    buf_printf(out, "goroutine profile: total %lld\n", (long long)total(s, boot_ms));
    if (first)
        leaked_records(out, s, leaked);
    for (int i = 1; i < SERVICE_STACKS; i++)
        record(out, stack_count(s, boot_ms, i), i);
    if (!first)
        leaked_records(out, s, leaked);
}

/* One allocation site of the base and one of the leak, as Go's protobuf. */
static void protobuf(const struct service *s, int64_t boot_ms, bool heap, struct buf *out)
{
    static const char *const heap_types[] = {"alloc_objects", "alloc_space", "inuse_objects",
                                             "inuse_space"};
    struct profile p;
    uint32_t id;

    if (profile_init(&p, 1 << 20) != 0)
        return;
    p.n_sample_types = heap ? 4 : 1;
    for (int i = 0; i < p.n_sample_types; i++) {
        profile_string(&p, str_of(heap ? heap_types[i] : "goroutine"), &p.sample_types[i].type);
        profile_string(&p, str_of(heap && i % 2 ? "bytes" : "count"), &p.sample_types[i].unit);
    }
    p.period_type = p.sample_types[0];
    p.period = 1;
    for (int i = 0; i < 2; i++) {
        int64_t n = i == 0 ? service_leaked(s, boot_ms) : s->base_goroutines;
        int64_t values[PROFILE_VALUES_MAX] = {n};
        struct function f = {0};
        struct line line = {.line = 42};

        if (heap) {
            int64_t bytes = i == 0 ? n * s->bytes_per_leak : s->base_bytes / 3;

            memcpy(values, (int64_t[]){n, bytes, n, bytes}, sizeof(values));
        }
        profile_string(&p, str_of(i == 0 ? "main.fetchUserData" : "main.cache"), &f.name);
        f.system_name = f.name;
        profile_string(&p, STR("/app/users.go"), &f.file);
        profile_function(&p, f, &line.function);
        profile_location(&p, 0x1000u + (uint64_t)i * 16, 0, &line, 1, false, &id);
        profile_sample(&p, &id, 1, NULL, 0, values);
    }
    proto_encode_gzip(&p, out);
    profile_free(&p);
}

/* ---- what not every service serves ---- */

static void leak_page(const struct service *s, int64_t boot_ms, struct buf *out)
{
    int64_t n = service_leaked(s, boot_ms) * s->percent_proven / 100;

    buf_printf(out, "goroutineleak profile: total %lld\n", (long long)n);
    record(out, n, 0);
}

/* How long goroutine k of the leak has been there. */
static int64_t age_ms(const struct service *s, int64_t boot_ms, int64_t k)
{
    double born_hours = (double)(k + 1) / s->leak_per_hour;

    return boot_ms - s->born_ms - (int64_t)(born_hours * HOUR_MS);
}

static void block(const struct service *s, struct buf *out, int64_t id, const char *state,
                  int64_t waited_ms, int stack)
{
    buf_printf(out, "goroutine %lld [%s", (long long)id, state);
    if (waited_ms >= 60000)
        buf_printf(out, ", %lld minutes", (long long)(waited_ms / 60000));
    if (stack == 0)
        buf_puts(out, "]:\nmain.fetchUserData.func1(0xc000012345)\n\t/app/users.go:42 +0x25\n");
    else
        buf_printf(out, "]:\nmain.worker%d(...)\n\t/app/work.go:%d\n", stack, 10 + stack);
    for (int i = 0; i < s->padding; i++)
        buf_puts(out, "main.padding(0xc000012345)\n\t/app/padding.go:1 +0x1\n");
    buf_printf(out,
               "main.run()\n\t/app/main.go:%d +0x11\ncreated by main.handle in goroutine 1\n"
               "\t/app/main.go:7 +0x31\n\n",
               100 + stack);
}

static void stacks_page(const struct service *s, int64_t boot_ms, struct buf *out)
{
    int64_t id = s->passing ? boot_ms : 1000000; /* new ones each time, or the same */

    for (int64_t k = 0; k < service_leaked(s, boot_ms); k++)
        block(s, out, id + k, "chan send", s->passing ? 0 : age_ms(s, boot_ms, k), 0);
    for (int i = 1; i < SERVICE_STACKS; i++)
        for (int64_t k = 0; k < stack_count(s, boot_ms, i); k++)
            block(s, out, i * 10000 + k, "select", boot_ms - s->born_ms, i);
}

static void symbols_answer(const char *path, struct buf *out)
{
    struct str rest = str_of(path + strlen("symbol?")), pc;

    buf_puts(out, "num_symbols: 1\n");
    while (str_split(&rest, '+', &pc))
        if (!str_is(pc, "0x492420")) /* one that nobody knows */
            buf_printf(out, "%.*s runtime.chansend1\n", (int)pc.n, pc.p);
}

/* What the path asks for beyond the ordinary; false: nothing of this. */
static bool answer_extra(struct service *s, const char *path, int64_t boot_ms, struct buf *out)
{
    if (strcmp(path, "goroutineleak?debug=1") == 0) {
        s->asked.leaks++;
        if (s->serves_leaks)
            leak_page(s, boot_ms, out);
        return s->serves_leaks;
    }
    if (strcmp(path, "goroutineleak") == 0) {
        s->asked.native_leaks++;
        if (s->garbled_leaks)
            buf_puts(out, "nothing to see here");
        else if (s->serves_leaks)
            protobuf(s, boot_ms, false, out);
        return s->serves_leaks;
    }
    if (strcmp(path, "goroutine?debug=2") == 0) {
        s->asked.stacks++;
        if (s->serves_stacks)
            stacks_page(s, boot_ms, out);
        return s->serves_stacks;
    }
    if (strncmp(path, "symbol?", 7) == 0) {
        s->asked.symbols++;
        str_copy(s->asked.symbols_path, sizeof(s->asked.symbols_path), str_of(path));
        if (s->serves_symbols)
            symbols_answer(path, out);
        return s->serves_symbols;
    }
    return false;
}

/* The kernel's part: when memory reaches the limit the process is gone. */
static void live_on(struct service *s, int64_t boot_ms)
{
    if (!s->dead && service_memory(s, boot_ms) >= s->limit_bytes) {
        s->dead = true;
        s->died_ms = boot_ms;
        s->oom_kills++;
    }
    if (s->dead && s->restart_after_ms > 0 && boot_ms - s->died_ms >= s->restart_after_ms) {
        s->dead = false;
        s->born_ms = boot_ms;
        s->pid++;
    }
}

static void answer(void *ctx, int target, const char *path, struct moment now,
                   struct fake_answer *a)
{
    struct service *s = ctx;

    (void)target;
    live_on(s, now.boot_ms);
    if (s->dead) {
        a->refused = true;
        return;
    }
    if (s->silent) {
        a->error = ERR_TIMEOUT;
        a->status = 0;
        a->latency_ms = 5000;
        return;
    }
    if (s->latency_ms > 0)
        a->latency_ms = s->latency_ms;
    if (path[0] == '\0')
        buf_printf(a->body,
                   "<html><title>/debug/pprof/</title><table>"
                   "<tr><td>%lld</td><td><a href='goroutine?debug=1'>goroutine</a></td></tr>\n"
                   "<tr><td>7</td><td><a href='heap?debug=1'>heap</a></td></tr></table></html>",
                   (long long)total(s, now.boot_ms));
    else if (strcmp(path, "goroutine?debug=1") == 0)
        page(s, now.boot_ms, a->body);
    else if (strcmp(path, "heap") == 0 || strcmp(path, "goroutine") == 0)
        protobuf(s, now.boot_ms, path[0] == 'h', a->body);
    else if (!answer_extra(s, path, now.boot_ms, a->body))
        a->status = 404;
}

static int sample(void *ctx, int target, struct moment now, struct memory_sample *out)
{
    struct service *s = ctx;

    (void)target;
    live_on(s, now.boot_ms);
    if (s->mute_memory)
        return -2;
    out->tier = s->dead ? MEMORY_NONE : MEMORY_CGROUP2;
    out->usage_bytes = s->dead ? -1 : service_memory(s, now.boot_ms);
    out->limit_bytes = s->limit_bytes;
    out->oom_kills = s->oom_kills;
    out->pid = s->pid;
    out->start_ticks = s->born_ms / 10;
    out->gone = s->dead;
    return 0;
}

static void to_text(void *ctx, const char *line, size_t n)
{
    buf_put(ctx, line, n);
}

void world_init(struct world *w, double per_hour, double hours)
{
    struct fake_script script = {.ctx = &w->service, .answer = answer, .sample = sample};
    struct errmsg e;

    memset(w, 0, sizeof(*w));
    io_fake_init(&w->io, &script, SERVICE_WALL_MS, 1);
    w->disk = disk_fake_new();
    w->service = (struct service){.born_ms = w->io.now.boot_ms - 5000,
                                  .leak_per_hour = per_hour,
                                  .base_goroutines = 300,
                                  .base_bytes = 60 << 20,
                                  .limit_bytes = 1 << 30,
                                  .pid = 7,
                                  .noise = 42};
    w->service.bytes_per_leak =
        (int64_t)((double)(w->service.limit_bytes - w->service.base_bytes) /
                  (per_hour * hours));
    settings_defaults(&w->settings);
    target_parse(STR("app=http://127.0.0.1:6060"), &w->target, &e);
    buf_init(&w->log_text, 4 << 20);
    log_init(&w->log, w->log_line, LOG_INFO, LOG_JSON, to_text, &w->log_text);
}

void world_open(struct world *w)
{
    static const uint8_t boot_id[16] = {1, 2, 3};
    struct errmsg e = {{0}};

    if (agent_open(&w->agent, &w->settings, &w->target, 1, &w->io.io, disk_fake_disk(w->disk),
                   "pod-0", boot_id, &w->log, &e) != 0)
        printf("agent_open: %s\n", e.text);
    agent_start(&w->agent);
}

void world_kill(struct world *w)
{
    /* Handles and locks are gone with the process; then its memory is. */
    disk_fake_kill(w->disk);
    w->agent.store_open = false;
    for (int i = 0; i < SETTINGS_TARGETS_MAX; i++)
        if (w->agent.fetching[i]) {
            w->agent.stopping = true;
            w->io.io.cancel(&w->io.io, &w->agent.fetches[i]);
        }
    w->io.n_jobs = 0;
    w->io.wake_ms = -1;
    agent_close(&w->agent);
}

void world_fini(struct world *w)
{
    agent_stop(&w->agent);
    io_fake_pass(&w->io, 1000);
    agent_close(&w->agent);
    io_fake_fini(&w->io);
    disk_fake_free(&w->disk);
    buf_free(&w->log_text);
}

int64_t world_hours(const struct world *w)
{
    return (w->io.now.boot_ms - w->service.born_ms) / 3600000;
}

int world_logged(const struct world *w, const char *text)
{
    struct str rest = buf_view(&w->log_text);
    struct str line;
    int n = 0;

    while (str_split(&rest, '\n', &line))
        n += line.n > 0 && str_contains(line, text);
    return n;
}

struct dump_list {
    struct manifest *out;
    size_t n, max;
};

static int one_dump(void *ctx, const struct store_dump *d)
{
    struct dump_list *l = ctx;

    if (d->readable && l->n < l->max)
        l->out[l->n++] = d->manifest;
    return 0;
}

size_t world_dumps(struct world *w, struct manifest *out, size_t max)
{
    struct dump_list l = {.out = out, .max = max};

    store_list(&w->agent.store, one_dump, &l); /* newest first */
    for (size_t i = 0; i < l.n / 2; i++) {
        struct manifest swap = out[i];

        out[i] = out[l.n - 1 - i];
        out[l.n - 1 - i] = swap;
    }
    return l.n;
}
