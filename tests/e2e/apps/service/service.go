// Package service is the frame around each pattern: a shop's HTTP service with
// a cache, a worker pool and slow reports, and the clients that keep it busy.
// The leak is never alone in it.
package service

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Needs is what a service finds outside of it.
type Needs struct {
	Postgres string // connection string of its database
	Backend  string // address of the pattern's Backend
}

// Pattern is an operation twice: as it leaks, and as it should be. ctx ends with
// the service. Its clients and its backend are in another process.
type Pattern struct {
	Name    string
	Leaking Start
	Fixed   Start
	// Backend serves what the operation calls; nil where it calls nothing.
	Backend func(net.Listener)
	// Client is nil where an ordinary GET is the client; else it makes request n
	// itself and takes as long as it likes.
	Client func(ctx context.Context, address string, n int)
}

// Start begins one variant and returns the handler of its operation.
type Start func(ctx context.Context, needs Needs) (http.Handler, error)

// Always is a Start that needs nothing and cannot fail.
func Always(h http.Handler) Start {
	return func(context.Context, Needs) (http.Handler, error) { return h, nil }
}

// Unlucky is one request of four: it takes the path on which the leaking
// operation forgets something, for an item that is sold out or a late answer.
func Unlucky(r *http.Request) bool { return UnluckyNumber(Number(r)) }

func UnluckyNumber(n int) bool { return n%4 == 0 }

// Number is that of the request, given by its client.
func Number(r *http.Request) int {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	return n
}

// options are what the command line says.
type options struct {
	ready, variant, postgres string
	outside                  bool
	rate, background         float64
	shape                    Shape // of the background; its rate apart
	swingAll                 bool
}

// ShapeFlags are those of a load that changes.
func ShapeFlags(s *Shape) {
	flag.Float64Var(&s.Swing, "swing", 0.5, "how far the load swings, 0 to 1")
	flag.DurationVar(&s.Period, "period", 20*time.Second, "of the swing")
	flag.DurationVar(&s.DoubleAt, "double-at", 0, "when the load doubles for good; 0 never")
	flag.Uint64Var(&s.Seed, "seed", 1, "of the arrivals")
}

func (o *options) parse(patterns []Pattern) {
	flag.StringVar(&o.ready, "ready", "", "file that gets the address of pprof")
	flag.StringVar(&o.variant, "variant", "fixed", "leaking or fixed")
	flag.StringVar(&o.postgres, "postgres", "", "connection string, for the patterns with a database")
	flag.Float64Var(&o.rate, "rate", 20, "requests a second to the operation")
	flag.Float64Var(&o.background, "background", 30, "requests a second to everything else")
	flag.BoolVar(&o.outside, "outside", false, "be the clients and the backend; the service starts them itself")
	flag.BoolVar(&o.swingAll, "swing-all", false, "the operation's load swings and doubles too")
	ShapeFlags(&o.shape)
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "%s [flags] PATTERN\npatterns:\n", os.Args[0])
		for _, p := range patterns {
			fmt.Fprintf(flag.CommandLine.Output(), "  %s\n", p.Name)
		}
		flag.PrintDefaults()
	}
	flag.Parse()
}

// Main runs the pattern that the command line names.
func Main(patterns []Pattern) {
	var o options
	o.parse(patterns)
	for _, p := range patterns {
		if p.Name == flag.Arg(0) && o.outside {
			o.surround(p)
			return
		} else if p.Name == flag.Arg(0) {
			o.run(p)
			return
		}
	}
	flag.Usage()
	os.Exit(2)
}

func (o *options) run(p Pattern) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	world, backend := startOutside()
	defer world.Close()
	start := p.Fixed
	if o.variant == "leaking" {
		start = p.Leaking
	}
	operation, err := start(ctx, Needs{o.postgres, backend})
	if err != nil {
		log.Fatal(err)
	}
	shop := newShop(ctx)
	fmt.Fprintln(world, serve(shop.mux(operation)))
	debug := serve(debugMux(shop))
	if o.ready != "" {
		if err := os.WriteFile(o.ready, []byte(debug), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	<-ctx.Done()
}

// serve listens on a port of its own choice. Write buffers are small, so that a
// client that stops reading is felt after kilobytes, not megabytes.
func serve(handler http.Handler) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: handler, ConnState: func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			c.(*net.TCPConn).SetWriteBuffer(16 << 10)
		}
	}}
	go func() { log.Fatal(server.Serve(listener)) }()
	return listener.Addr().String()
}

func debugMux(s *shop) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "# TYPE shop_requests_total counter\nshop_requests_total %d\n", s.requests.Load())
		fmt.Fprintf(w, "# TYPE go_goroutines gauge\ngo_goroutines %d\n", runtime.NumGoroutine())
	})
	return mux
}
