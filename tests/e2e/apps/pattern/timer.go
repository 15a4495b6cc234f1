package pattern

import (
	"context"
	"net/http"
	"time"

	"shop.example/apps/service"
)

// An order has so many lines, and each needs a timer.
const orderLines = 100

// TimeAfter: time.After in a hot loop.
//
// What grows is the heap: a timer for each message, until it fires, which is an
// hour later. Since Go 1.23 the garbage collector takes a timer that nobody
// holds; the program must ask for the older channels (asynctimerchan=1).
var TimeAfter = service.Pattern{
	Name: "time-after",
	Leaking: func(ctx context.Context, _ service.Needs) (http.Handler, error) {
		return receiving(ctx, receiveLeaking), nil
	},
	Fixed: func(ctx context.Context, _ service.Needs) (http.Handler, error) {
		return receiving(ctx, receiveFixed), nil
	},
}

func receiveLeaking(ctx context.Context, lines <-chan int) {
	for {
		select {
		case <-lines:
		case <-time.After(time.Hour): // leak: timer
			return
		case <-ctx.Done():
			return
		}
	}
}

func receiveFixed(ctx context.Context, lines <-chan int) {
	idle := time.NewTimer(time.Hour)
	defer idle.Stop()
	for {
		select {
		case <-lines:
			if !idle.Stop() {
				<-idle.C
			}
			idle.Reset(time.Hour)
		case <-idle.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func receiving(ctx context.Context, receive func(context.Context, <-chan int)) http.Handler {
	lines := make(chan int, orderLines)
	go receive(ctx, lines)
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		for i := 0; i < orderLines; i++ {
			lines <- i
		}
	})
}

// Ticker: a ticker that an early return leaves running.
//
// What grows is the heap, and the CPU for each tick. Before Go 1.23 such a
// ticker was never collected.
var Ticker = service.Pattern{
	Name:    "ticker",
	Leaking: service.Always(packing(packLeaking)),
	Fixed:   service.Always(packing(packFixed)),
}

func packLeaking(packed <-chan struct{}) bool {
	again := time.NewTicker(time.Minute) // leak: timer
	for tries := 0; tries < 3; tries++ {
		select {
		case <-packed:
			return true // without Stop
		case <-again.C:
		}
	}
	again.Stop()
	return false
}

func packFixed(packed <-chan struct{}) bool {
	again := time.NewTicker(time.Minute)
	defer again.Stop()
	for tries := 0; tries < 3; tries++ {
		select {
		case <-packed:
			return true
		case <-again.C:
		}
	}
	return false
}

func packing(pack func(<-chan struct{}) bool) http.HandlerFunc {
	packed := make(chan struct{})
	close(packed) // all is there at once, as on most days
	return func(http.ResponseWriter, *http.Request) {
		for i := 0; i < orderLines; i++ {
			pack(packed)
		}
	}
}
