// The service of the end-to-end tests: fills a memory limit in a given time
// with leaked goroutines or heap, or stands still with many stacks.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	runtimepprof "runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"
)

var (
	mode       = flag.String("mode", "goroutines", "goroutines, heap, steady, fill (no pprof: a sibling)")
	limitBytes = flag.Int64("limit", 128<<20, "bytes to fill")
	fill       = flag.Duration("fill", 20*time.Second, "time to fill them in")
	delay      = flag.Duration("delay", 3*time.Second, "time before it begins")
	until      = flag.Int("until", 100, "percent of the limit at which it stops filling")
	hold       = flag.Int("hold", 64<<10, "bytes that each leaked goroutine or entry holds")
	tenants    = flag.Int("tenants", 0, "label the leaked goroutines with one of so many tenants")
	mute       = flag.Duration("mute", 0, "stop answering so long before the limit is full")
	stacks     = flag.Int("stacks", 1000, "distinct stacks of mode steady")
	goroutines = flag.Int("goroutines", 1000, "goroutines of mode steady")
	canned     = flag.Int("canned", 0, "answer with so many pages made beforehand, at no cost, in turn")
	ready      = flag.String("ready", "", "file that gets the address")
)

var muted atomic.Bool

// buffer returns n bytes that are really there.
func buffer(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 512 {
		b[i] = 1
	}
	return b
}

func touch(b []byte) {
	if len(b) > 0 {
		b[0]++
	}
}

// fetchReport leaks: nobody receives.
func fetchReport(n int) {
	ch := make(chan []byte)
	go func() {
		ch <- buffer(n)
	}()
}

var cache [][]byte

// cacheResponse leaks: nothing is ever evicted.
func cacheResponse(n int) {
	cache = append(cache, buffer(n))
}

func leakOne(i int) {
	if *mode == "goroutines" && *tenants > 0 {
		labels := runtimepprof.Labels("tenant", "t"+strconv.Itoa(i%*tenants))
		runtimepprof.Do(context.Background(), labels, func(context.Context) { fetchReport(*hold) })
	} else if *mode == "goroutines" {
		fetchReport(*hold)
	} else {
		cacheResponse(*hold)
	}
}

// leak follows the straight line from nothing to the limit.
func leak() {
	time.Sleep(*delay)
	start := time.Now()
	each := int64(*hold)
	if *mode == "goroutines" {
		each += 2 << 10 // its stack
	}
	for i := 0; ; time.Sleep(20 * time.Millisecond) {
		elapsed := time.Since(start)
		if *mute > 0 && elapsed > *fill-*mute {
			muted.Store(true)
		}
		goal := int64(float64(*limitBytes) * elapsed.Seconds() / fill.Seconds())
		if most := *limitBytes / 100 * int64(*until); *until < 100 && goal > most {
			goal = most
		}
		for ; int64(i)*each < goal; i++ {
			leakOne(i)
		}
	}
}

// steady parks goroutines on many distinct stacks and stays so.
func steady() {
	forever := make(chan []byte)
	for i := 0; i < *goroutines; i++ {
		stack := i % *stacks
		go outer[stack/len(inner)%len(outer)](forever, stack%len(inner))
	}
}

// pages are goroutine pages between which a tenth of the stacks changes.
func pages(n int) [][]byte {
	forever := make(chan []byte)
	made := make([][]byte, n)
	for i := range made {
		for j := i; j < *stacks; j += 10 {
			go outer[j/len(inner)%len(outer)](forever, j%len(inner))
		}
		time.Sleep(50 * time.Millisecond) // until they wait
		var page bytes.Buffer
		if err := runtimepprof.Lookup("goroutine").WriteTo(&page, 1); err != nil {
			log.Fatal(err)
		}
		made[i] = page.Bytes()
	}
	return made
}

var scrapes atomic.Int64

// profile counts the goroutine pages asked for, and answers with canned ones if
// there are any.
func profile(prepared [][]byte) http.HandlerFunc {
	live := pprof.Handler("goroutine")
	return func(w http.ResponseWriter, r *http.Request) {
		i := scrapes.Add(1) - 1
		if len(prepared) == 0 || r.FormValue("debug") != "1" {
			live.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write(prepared[i%int64(len(prepared))])
	}
}

// quiet answers until the service is told to fall silent; then it only waits.
func quiet(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if muted.Load() {
			<-r.Context().Done()
			return
		}
		handler(w, r)
	}
}

func serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", quiet(pprof.Index))
	mux.HandleFunc("/debug/pprof/goroutine", quiet(profile(pages(*canned))))
	mux.HandleFunc("/scrapes", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, scrapes.Load())
	})
	mux.HandleFunc("/debug/pprof/symbol", quiet(pprof.Symbol))
	if err := os.WriteFile(*ready+".tmp", []byte(fmt.Sprintln(l.Addr())), 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.Rename(*ready+".tmp", *ready); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(l, mux))
}

func main() {
	flag.Parse()
	switch *mode {
	case "steady":
		steady()
	case "fill":
		leak()
	default:
		go leak()
	}
	serve()
}
