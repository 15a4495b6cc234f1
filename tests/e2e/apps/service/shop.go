package service

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// shop is the sound rest of the service.
type shop struct {
	requests atomic.Int64
	pages    cache
	jobs     chan job
}

type job struct {
	n     int
	reply chan<- []byte
}

const (
	catalogPages = 500
	workers      = 8
	pollTimeout  = 3 * time.Second
	// Enough garbage that the collector runs every few seconds: the live heap is
	// known only as of its last run.
	reportBytes = 1 << 20
)

func newShop(ctx context.Context) *shop {
	s := &shop{jobs: make(chan job, workers), pages: cache{pages: map[int]string{}}}
	for i := 0; i < workers; i++ {
		go s.work(ctx)
	}
	go s.pages.expire(ctx)
	return s
}

func (s *shop) mux(operation http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/catalog", s.catalog)
	mux.HandleFunc("/report", s.report)
	mux.HandleFunc("/news", s.news)
	mux.Handle("/operation", operation)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		mux.ServeHTTP(w, r)
	})
}

// catalog renders a page, or has it in the cache.
func (s *shop) catalog(w http.ResponseWriter, r *http.Request) {
	n := Number(r) * Number(r) % catalogPages
	page, ok := s.pages.get(n)
	if !ok {
		time.Sleep(time.Duration(n%10) * time.Millisecond) // somebody else's service
		page = fmt.Sprintf("page %d: %s", n, strings.Repeat("something nice ", 50))
		s.pages.put(n, page)
	}
	fmt.Fprintln(w, page)
}

// report asks the workers, and waits for them as long as its client does.
func (s *shop) report(w http.ResponseWriter, r *http.Request) {
	const parts = 3
	reply := make(chan []byte, parts)
	for i := 0; i < parts; i++ {
		select {
		case s.jobs <- job{Number(r) + i, reply}:
		case <-r.Context().Done():
			return
		}
	}
	for i := 0; i < parts; i++ {
		select {
		case part := <-reply:
			w.Write(part[:100])
		case <-r.Context().Done():
			return
		}
	}
}

// news is a long poll, of which there hardly ever is any: as many of these wait
// as the load is.
func (s *shop) news(w http.ResponseWriter, r *http.Request) {
	enough := time.NewTimer(pollTimeout)
	defer enough.Stop()
	select {
	case <-enough.C:
		w.WriteHeader(http.StatusNoContent)
	case <-r.Context().Done():
	}
}

func (s *shop) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-s.jobs:
			time.Sleep(time.Duration(5+j.n%20) * time.Millisecond)
			j.reply <- make([]byte, reportBytes) // has room: the buffer holds all parts
		}
	}
}

// cache holds at most catalogPages pages, each for some seconds.
type cache struct {
	mu    sync.Mutex
	pages map[int]string
}

func (c *cache) get(n int) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	page, ok := c.pages[n]
	return page, ok
}

func (c *cache) put(n int, page string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages[n] = page
}

func (c *cache) expire(ctx context.Context) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for n := 0; ; n = (n + 5) % catalogPages {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		c.mu.Lock()
		for i := 0; i < 5; i++ {
			delete(c.pages, n+i)
		}
		c.mu.Unlock()
	}
}
