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

var (
	ready      = flag.String("ready", "", "file that gets the address of pprof")
	variant    = flag.String("variant", "fixed", "leaking or fixed")
	postgres   = flag.String("postgres", "", "connection string, for the patterns with a database")
	rate       = flag.Float64("rate", 20, "requests a second to the operation")
	background = flag.Float64("background", 30, "requests a second to everything else")
	swing      = flag.Float64("swing", 0.5, "how far the background load swings, 0 to 1")
	swingRate  = flag.Bool("swing-all", false, "the operation's load swings and doubles too")
	period     = flag.Duration("period", 20*time.Second, "of the swing")
	doubleAt   = flag.Duration("double-at", 0, "when the load doubles for good; 0 never")
	seed       = flag.Uint64("seed", 1, "of the arrivals")
)

// Main runs the pattern that the command line names.
func Main(patterns []Pattern) {
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "%s [flags] PATTERN\npatterns:\n", os.Args[0])
		for _, p := range patterns {
			fmt.Fprintf(flag.CommandLine.Output(), "  %s\n", p.Name)
		}
		flag.PrintDefaults()
	}
	flag.Parse()
	for _, p := range patterns {
		if p.Name == flag.Arg(0) {
			run(p)
			return
		}
	}
	flag.Usage()
	os.Exit(2)
}

func run(p Pattern) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	start := p.Fixed
	if *variant == "leaking" {
		start = p.Leaking
	}
	operation, err := start(ctx, *postgres)
	if err != nil {
		log.Fatal(err)
	}
	shop := newShop(ctx)
	address := serve(shop.mux(operation.Handler))
	debug := serve(debugMux(shop))
	if *ready != "" {
		if err := os.WriteFile(*ready, []byte(debug), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	drive(ctx, address, operation)
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
func drive(ctx context.Context, address string, operation Operation) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: patience}
	swinging := Shape{*background, *swing, *period, *doubleAt, *seed}
	steady := Shape{PerSecond: *rate, Seed: *seed + 1}
	if *swingRate {
		steady.Swing, steady.Period, steady.DoubleAt = *swing, *period, *doubleAt
	}
	var failed atomic.Int64
	var drivers sync.WaitGroup
	drivers.Add(2)
	go func() {
		defer drivers.Done()
		swinging.Arrivals(ctx.Done(), func(n int) {
			path := "catalog"
			if n%8 == 0 {
				path = "report"
			}
			go get(client, fmt.Sprintf("http://%s/%s?n=%d", address, path, n), &failed)
		})
	}()
	go func() {
		defer drivers.Done()
		steady.Arrivals(ctx.Done(), func(n int) {
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
