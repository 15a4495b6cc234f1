package pattern

import (
	"context"
	"net/http"
	"time"

	"shop.example/apps/service"
)

// Context: a worker that ignores the context of the request that started it.
//
// What grows: one goroutine for each request that was given up, waiting for the
// next job of a queue that nobody closes.
var Context = service.Pattern{
	Name:    "context",
	Leaking: service.Always(importing(importLeaking)),
	Fixed:   service.Always(importing(importFixed)),
}

func importLeaking(_ context.Context, queue <-chan int) {
	for row := range queue { // leak: context-ignored
		store(row)
	}
}

func importFixed(ctx context.Context, queue <-chan int) {
	for {
		select {
		case <-ctx.Done():
			return
		case row, ok := <-queue:
			if !ok {
				return
			}
			store(row)
		}
	}
}

func store(int) { time.Sleep(time.Millisecond) }

func importing(worker func(context.Context, <-chan int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		queue := make(chan int)
		go worker(r.Context(), queue)
		for row := 0; row < 5; row++ {
			if row == 3 && service.Unlucky(r) {
				http.Error(w, "bad row", http.StatusBadRequest)
				return
			}
			queue <- row
		}
		close(queue)
	}
}
