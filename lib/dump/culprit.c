/* Whose code is a frame? Told by the import path, which is the function's name
 * up to the first dot behind its last slash. */
#include <string.h>

#include "lib/dump/dump.h"

/* First elements of the standard library's import paths. A module of the user
 * may have a path without a dot ("cart/internal/db"), so that a dot alone does
 * not tell. */
static const char *const standard[] = {
    "archive", "bufio",    "builtin", "bytes",   "cmp",      "compress", "container", "context",
    "crypto",  "database", "debug",   "embed",   "encoding", "errors",   "expvar",    "flag",
    "fmt",     "go",       "hash",    "html",    "image",    "index",    "internal",  "io",
    "iter",    "log",      "maps",    "math",    "mime",     "net",      "os",        "path",
    "plugin",  "reflect",  "regexp",  "runtime", "slices",   "sort",     "strconv",   "strings",
    "structs", "sync",     "syscall", "testing", "text",     "time",     "unicode",   "unique",
    "unsafe",  "vendor",   "weak",
};

/* Libraries in which goroutines wait for somebody else's mistake. */
static const char *const dependencies[] = {
    "cloud.google.com/go/",
    "github.com/aws/aws-sdk-go",
    "github.com/confluentinc/confluent-kafka-go/",
    "github.com/gin-gonic/gin",
    "github.com/go-redis/redis",
    "github.com/go-sql-driver/mysql",
    "github.com/gorilla/",
    "github.com/IBM/sarama",
    "github.com/jackc/",
    "github.com/jmoiron/sqlx",
    "github.com/labstack/echo",
    "github.com/lib/pq",
    "github.com/nats-io/nats.go",
    "github.com/rabbitmq/amqp091-go",
    "github.com/redis/go-redis",
    "github.com/segmentio/kafka-go",
    "github.com/Shopify/sarama",
    "github.com/streadway/amqp",
    "go.etcd.io/",
    "go.mongodb.org/mongo-driver",
    "go.opentelemetry.io/",
    "go.uber.org/",
    "golang.org/x/",
    "google.golang.org/",
    "gorm.io/",
    "k8s.io/apimachinery/",
    "k8s.io/client-go/",
    "nhooyr.io/websocket",
    "sigs.k8s.io/controller-runtime",
};

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

/* Empty for a C function, which has no package. */
static struct str import_path(struct str function)
{
    struct str name = {function.p, 0};
    size_t start = 0;

    while (name.n < function.n && function.p[name.n] != '[') {
        if (function.p[name.n] == '/')
            start = name.n + 1;
        name.n++;
    }
    const char *dot = name.n > start ? memchr(name.p + start, '.', name.n - start) : NULL;
    return dot ? (struct str){name.p, (size_t)(dot - name.p)} : STR("");
}

static bool is_standard(struct str path)
{
    struct str first;

    if (!str_split(&path, '/', &first))
        return true;
    for (size_t i = 0; i < COUNT_OF(standard); i++)
        if (str_is(first, standard[i]))
            return true;
    return first.n == 0;
}

static bool is_users(struct str function)
{
    struct str path = import_path(function);

    for (size_t i = 0; i < COUNT_OF(dependencies); i++)
        if (str_starts(path, dependencies[i]))
            return false;
    return !is_standard(path);
}

size_t culprit_frame(const struct frame *frames, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_users(frames[i].function))
            return i;
    return 0;
}
