package pattern

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"shop.example/apps/service"
)

// Channel: an unbuffered channel, and a receiver that returns early.
//
// What grows: one goroutine for each answer that came too late, in its send.
var Channel = service.Pattern{
	Name:    "channel",
	Leaking: service.Always(searching(searchLeaking)),
	Fixed:   service.Always(searching(searchFixed)),
}

func searchLeaking(ctx context.Context, latency time.Duration) (string, error) {
	found := make(chan string)
	go func() {
		found <- lookUp(latency) // leak: channel-send
	}()
	select {
	case s := <-found:
		return s, nil
	case <-ctx.Done():
		return "", ctx.Err() // and nobody ever receives
	}
}

func searchFixed(ctx context.Context, latency time.Duration) (string, error) {
	found := make(chan string, 1) // room for an answer that nobody wants any more
	go func() {
		found <- lookUp(latency)
	}()
	select {
	case s := <-found:
		return s, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func lookUp(latency time.Duration) string {
	time.Sleep(latency)
	return "found"
}

func searching(search func(context.Context, time.Duration) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 50*time.Millisecond)
		defer cancel()
		latency := 2 * time.Millisecond
		if service.Unlucky(r) {
			latency = 100 * time.Millisecond
		}
		s, err := search(ctx, latency)
		if err != nil {
			http.Error(w, err.Error(), http.StatusGatewayTimeout)
			return
		}
		fmt.Fprintln(w, s)
	}
}
