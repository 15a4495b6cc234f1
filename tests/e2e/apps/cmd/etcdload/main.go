// Etcdload keeps an etcd busy: puts, gets and watches, at a rate that swings and
// doubles.
//
//	etcdload -endpoint 127.0.0.1:2379
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"shop.example/apps/service"
)

func main() {
	endpoint := flag.String("endpoint", "127.0.0.1:2379", "host:port of etcd")
	var shape service.Shape
	flag.Float64Var(&shape.PerSecond, "rate", 50, "operations a second")
	flag.Float64Var(&shape.Swing, "swing", 0.5, "how far it swings, 0 to 1")
	flag.DurationVar(&shape.Period, "period", 20*time.Second, "of the swing")
	flag.DurationVar(&shape.DoubleAt, "double-at", 0, "when it doubles for good; 0 never")
	flag.Uint64Var(&shape.Seed, "seed", 1, "of the arrivals")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{*endpoint}, DialTimeout: 5 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var failed atomic.Int64
	shape.Arrivals(ctx.Done(), func(n int) {
		go func() {
			if err := operate(ctx, client, n); err != nil && ctx.Err() == nil {
				failed.Add(1)
			}
		}()
	})
	log.Printf("%d operations failed", failed.Load())
}

// operate is one put, get or short watch, over a thousand keys.
func operate(ctx context.Context, client *clientv3.Client, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	key := fmt.Sprintf("order/%03d", n*n%1000)
	switch {
	case n%10 == 0:
		events := client.Watch(ctx, key, clientv3.WithPrefix())
		select {
		case <-events:
		case <-ctx.Done():
		}
		return nil
	case n%2 == 0:
		_, err := client.Put(ctx, key, strings.Repeat("x", 200))
		return err
	default:
		_, err := client.Get(ctx, key)
		return err
	}
}
