/* leakwatch replay: the agent's judge over a recorded series. */
#include <string.h>

#include "cmd/leakwatch/cmd.h"
#include "lib/watch/replay.h"

#define OUT_BYTES (64u << 20) /* the events of one chunk of input */

struct replaying {
    struct replay replay;
    const char *name; /* of the file, for people */
    struct buf out;
    struct errmsg *e;
};

/* The reader knows line and column, but not of what. */
static int bad_series(struct replaying *p, int error, const struct errmsg *e)
{
    return error ? err_set(p->e, error, "%s: %s", p->name, e->text) : 0;
}

/* Events go out as they come, so that a long replay shows where it is. */
static int flush(struct replaying *p)
{
    int error = buf_status(&p->out);

    if (error)
        return err_set(p->e, error, "%s: %s", p->name, err_text(error));
    if (p->out.len > 0)
        error = output_write(NULL, buf_view(&p->out), p->e);
    buf_reset(&p->out);
    return error;
}

static int on_bytes(void *ctx, const char *bytes, size_t n)
{
    struct replaying *p = ctx;
    struct errmsg e;
    int error = replay_feed(&p->replay, bytes, n, &e);
    int flushed = flush(p);

    return error ? bad_series(p, error, &e) : flushed;
}

static int replay_file(const char *path, const struct settings *s, struct errmsg *e)
{
    struct replaying p = {.name = strcmp(path, "-") == 0 ? "stdin" : path, .e = e};
    struct errmsg bad;
    int error;

    buf_init(&p.out, OUT_BYTES);
    error = replay_init(&p.replay, s, &p.out);
    if (error)
        return err_set(e, error, "%s", err_text(error));
    error = input_stream(path, on_bytes, &p, e);
    if (error == 0)
        error = bad_series(&p, replay_end(&p.replay, &bad), &bad);
    int flushed = flush(&p);
    replay_free(&p.replay);
    buf_free(&p.out);
    return error ? error : flushed;
}

int cmd_replay(int argc, char **argv, char **envp)
{
    static struct settings s;
    struct errmsg e;

    if (!cmd_settings(&s, &argc, argv, envp))
        return EXIT_BAD;
    if (argc != 1)
        return cmd_fail("replay takes one FILE (- is stdin); try leakwatch replay --help");
    return replay_file(argv[0], &s, &e) ? cmd_fail("%s", e.text) : EXIT_FINE;
}
