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
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Operation is what one pattern serves. Client is nil where an ordinary GET is
// the client; else it makes request n itself and blocks as long as it likes.
type Operation struct {
	Handler http.Handler
	Client  func(ctx context.Context, address string, n int)
}

// Pattern is an operation twice: as it leaks, and as it should be. ctx ends
// with the service; postgres is the connection string of its database.
type Pattern struct {
	Name    string
	Leaking func(ctx context.Context, postgres string) (Operation, error)
	Fixed   func(ctx context.Context, postgres string) (Operation, error)
}

// One of four requests takes the path on which the leaking operation forgets
// something: a sold-out item, a late answer, a client that went away.
func Unlucky(r *http.Request) bool { return UnluckyNumber(Number(r)) }

func UnluckyNumber(n int) bool { return n%4 == 0 }

// Number is that of the request, given by its client.
func Number(r *http.Request) int {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	return n
}

// The operation's requests wait so long for their answer.
const patience = time.Second

// options are what the command line says.
type options struct {
	ready, variant, postgres string
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
		if p.Name == flag.Arg(0) {
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
	start := p.Fixed
	if o.variant == "leaking" {
		start = p.Leaking
	}
	operation, err := start(ctx, o.postgres)
	if err != nil {
		log.Fatal(err)
	}
	shop := newShop(ctx)
	address := serve(shop.mux(operation.Handler))
	debug := serve(debugMux(shop))
	if o.ready != "" {
		if err := os.WriteFile(o.ready, []byte(debug), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	o.drive(ctx, address, operation)
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

// drive is the clients: until ctx ends.
func (o *options) drive(ctx context.Context, address string, operation Operation) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	patient := &http.Client{Transport: transport, Timeout: 10 * pollTimeout}
	client := &http.Client{Transport: transport, Timeout: patience}
	elsewhere, own := o.shape, Shape{}
	if o.swingAll {
		own = o.shape
	}
	elsewhere.PerSecond, own.PerSecond, own.Seed = o.background, o.rate, o.shape.Seed+1
	var failed atomic.Int64
	var drivers sync.WaitGroup
	drivers.Add(2)
	go func() {
		defer drivers.Done()
		elsewhere.Arrivals(ctx.Done(), func(n int) {
			path := "news"
			if n%16 == 0 {
				path = "report"
			} else if n%3 == 0 {
				path = "catalog"
			}
			go get(patient, fmt.Sprintf("http://%s/%s?n=%d", address, path, n), &failed)
		})
	}()
	go func() {
		defer drivers.Done()
		own.Arrivals(ctx.Done(), func(n int) {
			if operation.Client != nil {
				go operation.Client(ctx, address, n)
			} else {
				go get(client, fmt.Sprintf("http://%s/operation?n=%d", address, n), &failed)
			}
		})
	}()
	drivers.Wait()
	log.Printf("%d requests had no answer in time", failed.Load())
}
