/* The neighbour's memory, of a real process in a real cgroup. What needs root
 * and a memory controller is skipped where these are missing. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/host/memory.h"

#define MIB (1 << 20)
#define LIMIT_MIB 64

/* A service that listens, and fills so many MiB for each byte it is sent. */
struct service {
    pid_t pid;
    int port, orders, answers;
};

static bool text_write(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? write(fd, text, strlen(text)) : -1;
    if (fd >= 0)
        close(fd);
    return n > 0;
}

static int listen_tcp(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&a, len) || listen(fd, 1) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        return -1;
    *port = ntohs(a.sin_port);
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    unlink(path);
    return bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1) ? -1 : fd;
}

static void memory_fill(int mib)
{
    size_t n = (size_t)mib * MIB;
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        _exit(1);
    memset(p, 1, n);
}

static void service_serve(const char *cgroup, const char *socket, int orders, int answers)
{
    int port = 0;
    unsigned char mib;
    char self[16];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(self, sizeof self, "%d", (int)getpid());
    if (cgroup && !text_write(cgroup, "cgroup.procs", self))
        _exit(1);
    if ((socket ? listen_unix(socket) : listen_tcp(&port)) < 0)
        _exit(1);
    if (write(answers, &port, sizeof port) != sizeof port)
        _exit(1);
    while (read(orders, &mib, 1) == 1) {
        if (mib == 0 && fork() == 0) { /* a child that holds 8 MiB */
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            memory_fill(8);
            if (write(answers, &port, sizeof port) != sizeof port)
                _exit(1);
            pause();
        }
        if (mib)
            memory_fill(mib);
        if (mib && write(answers, &port, sizeof port) != sizeof port)
            _exit(1);
    }
    _exit(0);
}

static struct service service_start(const char *cgroup, const char *socket)
{
    int orders[2], answers[2];
    struct service s = {0};
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(answers), 0);
    s.pid = fork();
    if (s.pid == 0)
        service_serve(cgroup, socket, orders[0], answers[1]);
    close(orders[0]);
    close(answers[1]);
    s.orders = orders[1];
    s.answers = answers[0];
    assert_int_equal(read(s.answers, &s.port, sizeof s.port), sizeof s.port);
    return s;
}

/* Whether it lived to answer. */
static bool service_fill(struct service *s, unsigned char mib)
{
    int port;
    assert_int_equal(write(s->orders, &mib, 1), 1);
    return read(s->answers, &port, sizeof port) == sizeof port;
}

static void service_stop(struct service *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    close(s->orders);
    close(s->answers);
}

static void located(struct neighbour *n, const struct service *s)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/debug/pprof/", s->port);
    neighbour_init(n, "");
    neighbour_locate(n, url, "");
    assert_int_equal(n->pid, s->pid);
}

/* A cgroup of this test with a limit; false where that cannot be had. */
static bool cgroup_make(char dir[128])
{
    bool v1 = access("/sys/fs/cgroup/memory/cgroup.procs", F_OK) == 0;
    snprintf(dir, 128, "/sys/fs/cgroup%s/leakwatch-test-%d", v1 ? "/memory" : "",
             (int)getpid());
    if (!v1)
        (void)text_write("/sys/fs/cgroup", "cgroup.subtree_control", "+memory");
    if (mkdir(dir, 0755))
        return false;
    char limit[32];
    snprintf(limit, sizeof limit, "%d", LIMIT_MIB * MIB);
    if (text_write(dir, v1 ? "memory.limit_in_bytes" : "memory.max", limit)) {
        /* Swap would put the kill off. */
        (void)text_write(dir, v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max",
                         v1 ? limit : "0");
        return true;
    }
    rmdir(dir);
    return false;
}

/* From a fill to the kernel's kill: the count is read after the end. */
static void test_cgroup(void **state)
{
    (void)state;
    char dir[128];
    struct neighbour n;
    struct memory_sample before, after;
    if (!cgroup_make(dir)) {
        print_message("no memory cgroup can be made here (root and a controller are needed)\n");
        skip();
    }
    struct service s = service_start(dir, NULL);
    located(&n, &s);
    assert_int_equal(neighbour_sample(&n, 0, &before), 0);
    assert_true(before.tier == MEMORY_CGROUP1 || before.tier == MEMORY_CGROUP2);
    assert_int_equal(before.limit_bytes, LIMIT_MIB * MIB);
    assert_int_equal(before.oom_kills, 0);
    assert_int_equal(before.pid, s.pid);
    assert_true(before.start_ticks > 0);
    assert_false(before.gone);
    assert_true(service_fill(&s, 20));
    assert_int_equal(neighbour_sample(&n, 500, &after), 0);
    assert_true(after.usage_bytes >= before.usage_bytes + 19 * MIB);
    assert_true(after.usage_bytes < before.usage_bytes + 30 * MIB);
    assert_false(service_fill(&s, 200)); /* killed */
    service_stop(&s);
    assert_int_equal(neighbour_sample(&n, 1000, &after), 0);
    assert_true(after.gone);
    assert_int_equal(after.oom_kills, 1);
    rmdir(dir); /* as the runtime does: nothing is left to read, what was seen stays */
    assert_int_equal(neighbour_sample(&n, 1500, &after), 0);
    assert_true(after.gone);
    assert_int_equal(after.oom_kills, 1);
    neighbour_fini(&n);
}

/* Without a limited cgroup: the process and what descends from it. */
static void test_proc(void **state)
{
    (void)state;
    struct neighbour n;
    struct memory_sample before, after;
    struct service s = service_start(NULL, NULL);
    located(&n, &s);
    assert_int_equal(neighbour_sample(&n, 0, &before), 0);
    if (before.tier != MEMORY_PROC) {
        print_message("these tests run in a cgroup that has a limit itself\n");
        service_stop(&s);
        neighbour_fini(&n);
        skip();
    }
    assert_int_equal(before.limit_bytes, 0);
    assert_true(service_fill(&s, 16));
    assert_int_equal(neighbour_sample(&n, 500, &after), 0);
    assert_true(after.usage_bytes >= before.usage_bytes + 15 * MIB);
    assert_true(service_fill(&s, 0)); /* a child */
    before = after;
    assert_int_equal(neighbour_sample(&n, 60000, &after), 0);
    assert_true(after.usage_bytes >= before.usage_bytes + 7 * MIB);
    service_stop(&s);
    assert_int_equal(neighbour_sample(&n, 60500, &after), 0);
    assert_true(after.gone);
    assert_int_equal(after.usage_bytes, -1);
    neighbour_fini(&n);
}

static void test_nobody(void **state)
{
    (void)state;
    struct neighbour n;
    struct memory_sample out;
    neighbour_init(&n, "");
    assert_int_equal(neighbour_sample(&n, 0, &out), -ENOENT);
    assert_int_equal(out.usage_bytes, -1);
    neighbour_locate(&n, "http://127.0.0.1:1/debug/pprof/", "");
    assert_int_equal(neighbour_sample(&n, 0, &out), -ENOENT);
    /* The port is taken here, but the address is not ours. */
    struct service s = service_start(NULL, NULL);
    char url[64];
    snprintf(url, sizeof url, "http://192.0.2.1:%d/", s.port);
    neighbour_locate(&n, url, "");
    assert_int_equal(n.pid, 0);
    service_stop(&s);
    neighbour_fini(&n);
}

static void test_unix_owner(void **state)
{
    (void)state;
    char path[64];
    struct neighbour n;
    snprintf(path, sizeof path, "/tmp/leakwatch-test-%d.sock", (int)getpid());
    struct service s = service_start(NULL, path);
    neighbour_init(&n, "");
    neighbour_locate(&n, "http://localhost/debug/pprof/", path);
    assert_int_equal(n.pid, s.pid);
    service_stop(&s);
    unlink(path);
    neighbour_fini(&n);
}

static void test_limit(void **state)
{
    (void)state;
    char path[] = "/tmp/leakwatch-test-XXXXXX", text[64];
    struct neighbour n;
    neighbour_init(&n, "");
    assert_int_equal(neighbour_limit(&n, 0), 0);
    neighbour_init(&n, "128Mi");
    assert_int_equal(neighbour_limit(&n, 0), 128 * MIB);
    neighbour_init(&n, "much");
    assert_int_equal(neighbour_limit(&n, 0), 0);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "67108864\n", 9), 9);
    snprintf(text, sizeof text, "file:%s", path);
    neighbour_init(&n, text);
    assert_int_equal(neighbour_limit(&n, 1000), 67108864);
    assert_int_equal(pwrite(fd, "77108864\n", 9, 0), 9); /* an in-place resize */
    assert_int_equal(neighbour_limit(&n, 5999), 67108864);
    assert_int_equal(neighbour_limit(&n, 6000), 77108864);
    unlink(path);
    close(fd);
    assert_int_equal(neighbour_limit(&n, 11000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cgroup), cmocka_unit_test(test_proc),
        cmocka_unit_test(test_nobody), cmocka_unit_test(test_unix_owner),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
