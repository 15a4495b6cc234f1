/* A small HTTP server in a child process, as good and as bad as its paths say.
 * Ownership: peer_start's child lives until peer_stop. */
#ifndef LW_TEST_HTTP_PEER_H
#define LW_TEST_HTTP_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer {
    pid_t pid;
    int port;
};

static inline void peer_say(int fd, const char *text)
{
    size_t n = strlen(text);
    if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        _exit(0);
}

static inline void peer_endless(int fd, const char *piece)
{
    for (;;)
        peer_say(fd, piece);
}

static inline void peer_body(int fd, const char *body)
{
    char head[160];
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Length: %zu\r\n\r\n",
             strlen(body));
    peer_say(fd, head);
    peer_say(fd, body);
}

#define PEER_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* One request; returns whether the connection is kept. */
static inline int peer_answer(int fd, const char *request)
{
    const char *path = strstr(request, "/debug/pprof/");
    path = path ? path + 13 : "";
    if (!strncmp(path, "chunked", 7)) {
        peer_say(fd, PEER_CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    } else if (!strncmp(path, "cut-length", 10)) {
        peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
        return 0;
    } else if (!strncmp(path, "cut-chunk", 9)) {
        peer_say(fd, PEER_CHUNKED "5\r\nhello\r\n");
        return 0;
    } else if (!strncmp(path, "mute", 4)) {
        return 0;
    } else if (!strncmp(path, "endless", 7)) {
        peer_say(fd, PEER_CHUNKED);
        peer_endless(fd, "10\r\n0123456789abcdef\r\n");
    } else if (!strncmp(path, "headers", 7)) {
        peer_say(fd, "HTTP/1.1 200 OK\r\n");
        peer_endless(fd, "X-More: 0123456789abcdef\r\n");
    } else if (!strncmp(path, "drip", 4)) {
        peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        for (;;) {
            peer_say(fd, "x");
            usleep(20000);
        }
    } else if (!strncmp(path, "redirect", 8)) {
        peer_say(fd, "HTTP/1.1 302 Found\r\nLocation: /debug/pprof/ok\r\n"
                     "Content-Length: 5\r\n\r\nmoved");
    } else if (!strncmp(path, "missing", 7)) {
        peer_say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\nUnknown profile");
    } else if (!strncmp(path, "garbage", 7)) {
        peer_say(fd, "\x00\x00\x12 this is no HTTP, it is something else\r\n\r\n");
        peer_say(fd, "not a status line\r\n");
        return 0;
    } else if (!strncmp(path, "hangup", 6)) {
        peer_body(fd, "bye");
        usleep(50000);
        return 0;
    } else if (!strncmp(path, "echo", 4) || strstr(request, "GET /other")) {
        peer_body(fd, request);
    } else {
        peer_body(fd, "fine");
    }
    return 1;
}

static inline void peer_serve(int fd)
{
    char request[8192];
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, request + n, sizeof request - 1 - n, 0);
        if (got <= 0)
            _exit(0);
        n += (size_t)got;
        request[n] = 0;
        if (!strstr(request, "\r\n\r\n"))
            continue;
        if (!peer_answer(fd, request))
            _exit(0);
        n = 0;
    }
}

/* A child for each connection; all end with the first. */
static inline struct peer peer_start_on(int listener, int port)
{
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none */
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0 && fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(listener);
                peer_serve(fd);
            }
            close(fd);
        }
    }
    setpgid(pid, pid);
    close(listener);
    return (struct peer){.pid = pid, .port = port};
}

static inline struct peer peer_start(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&a, len) || listen(fd, 16) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        return (struct peer){0};
    return peer_start_on(fd, ntohs(a.sin_port));
}

static inline struct peer peer_start_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16))
        return (struct peer){0};
    return peer_start_on(fd, 0);
}

static inline void peer_stop(struct peer *p)
{
    kill(-p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
}

#endif
