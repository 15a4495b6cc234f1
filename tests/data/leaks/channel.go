package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

func queryDatabase() string { return "Ada" }

// 1: nobody reads the answer any more.
func fetchUserData(context.Context) <-chan string {
	ch := make(chan string)
	go func() {
		ch <- queryDatabase()
	}()
	return ch
}

func sendSelect(ctx context.Context) {
	a, b := make(chan int), make(chan int)
	go func() {
		select {
		case a <- 1:
		case b <- 2:
		}
	}()
}

// 2: the queue is never closed, the context never looked at.
func processQueue(_ context.Context, queue <-chan int) {
	go func() {
		for job := range queue {
			_ = job
		}
	}()
}

func awaitReply(ctx context.Context) {
	reply, failed := make(chan int), make(chan error)
	select {
	case <-reply:
	case <-failed:
	}
}

func poll(ctx context.Context) {
	for {
		time.Sleep(time.Minute)
	}
}

func awaitDone(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	_ = cancel
	<-ctx.Done()
}

func channelLeaks() []leak {
	return []leak{
		{"channel-send", func(ctx context.Context) { fetchUserData(ctx) }},
		{"channel-send-select", sendSelect},
		{"context-range", func(ctx context.Context) { processQueue(ctx, make(chan int)) }},
		{"context-select", awaitReply},
		{"context-sleep", poll},
		{"context-never-cancelled", awaitDone},
		{"channel-nil", func(context.Context) { var ch chan int; <-ch }},
		{"channel-nil-send", func(context.Context) { var ch chan int; ch <- 1 }},
		{"select-forever", func(context.Context) { select {} }},
	}
}

type store struct {
	mu sync.Mutex
	rw sync.RWMutex
	m  map[string]int
}

func (s *store) put(k string) {
	s.mu.Lock()
	s.m[k]++
}

func (s *store) get(k string) int {
	s.rw.RLock()
	return s.m[k]
}

func (s *store) set(k string) {
	s.rw.Lock()
	s.m[k] = 1
}

func processAll(items []string) {
	var wg sync.WaitGroup
	for range items {
		wg.Add(1)
	}
	wg.Wait()
}

func syncLeaks() []leak {
	s := &store{m: map[string]int{}}
	s.mu.Lock()
	w := &store{m: map[string]int{}}
	w.rw.Lock()
	cond := sync.NewCond(&sync.Mutex{})
	sem := semaphore.NewWeighted(1)
	_ = sem.Acquire(context.Background(), 1)
	once := &sync.Once{}
	return []leak{
		{"sync-mutex", func(context.Context) { s.put("a") }},
		{"sync-rlock", func(context.Context) { _ = w.get("a") }},
		{"sync-lock", func(context.Context) { w.set("a") }},
		{"sync-waitgroup", func(context.Context) { processAll([]string{"a"}) }},
		{"sync-cond", func(context.Context) { cond.L.Lock(); cond.Wait() }},
		{"sync-semaphore", func(ctx context.Context) { _ = sem.Acquire(ctx, 1) }},
		{"sync-once", func(ctx context.Context) { once.Do(func() { select {} }) }},
		{"sync-errgroup", func(ctx context.Context) {
			g, _ := errgroup.WithContext(ctx)
			g.Go(func() error { s.put("b"); return nil })
			_ = g.Wait()
		}},
	}
}

var kept []any

// 7: with asynctimerchan=1 each lives until it fires.
func hotLoop(ch <-chan int) {
	for range ch {
		select {
		case <-time.After(time.Hour):
		default:
		}
	}
}

func watchTicks() {
	t := time.NewTicker(time.Hour)
	for range t.C {
	}
}

func keepTickers() {
	for i := 0; i < 500; i++ {
		kept = append(kept, time.NewTicker(time.Hour))
	}
}

func cacheForEver() {
	kept = append(kept, make([]byte, 256<<10))
}

var mu sync.Mutex

func timerLeaks() []leak {
	return []leak{
		{"timer-after", func(context.Context) {
			ch := make(chan int, 1000)
			for i := 0; i < 1000; i++ {
				ch <- i
			}
			close(ch)
			hotLoop(ch)
		}},
		{"timer-ticker", func(context.Context) { watchTicks() }},
		{"timer-ticker-heap", func(context.Context) { mu.Lock(); defer mu.Unlock(); keepTickers() }},
		{"timer-afterfunc", func(context.Context) { time.AfterFunc(time.Hour, func() {}) }},
		{"heap-cache", func(context.Context) { mu.Lock(); defer mu.Unlock(); cacheForEver() }},
	}
}
