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
	service.ShapeFlags(&shape)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := dial(*endpoint)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var failed atomic.Int64
	shape.Arrivals(ctx.Done(), func(n int) {
		go func() {
			if err := operate(ctx, client, *endpoint, n); err != nil && ctx.Err() == nil {
				failed.Add(1)
			}
		}()
	})
	log.Printf("%d operations failed", failed.Load())
}

func dial(endpoint string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second})
}

// operate is one put, get or short watch, over a thousand keys.
func operate(ctx context.Context, client *clientv3.Client, endpoint string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	key := fmt.Sprintf("order/%03d", n*n%1000)
	switch {
	case n%10 == 0:
		return watch(ctx, endpoint, key)
	case n%2 == 0:
		_, err := client.Put(ctx, key, strings.Repeat("x", 200))
		return err
	default:
		_, err := client.Get(ctx, key)
		return err
	}
}

// watch comes with a connection of its own, and waits for the first change.
func watch(ctx context.Context, endpoint, key string) error {
	client, err := dial(endpoint)
	if err != nil {
		return err
	}
	defer client.Close()
	select {
	case <-client.Watch(ctx, key):
	case <-ctx.Done():
	}
	return nil
}
