// A small Go service with the commonest goroutine leak: the sender on an
// unbuffered channel whose receiver has given up. It serves /user, its pprof
// handlers have a port of their own, and with -drive it is the load instead.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"time"
)

const (
	recordBytes = 128 << 10 // what one query brings back
	patience    = 30 * time.Millisecond
)

// queryDatabase takes 10 to 50 ms and returns a large record.
func queryDatabase() []byte {
	time.Sleep(time.Duration(10+rand.Intn(40)) * time.Millisecond)
	record := make([]byte, recordBytes)
	for i := range record {
		record[i] = byte(i)
	}
	return record
}

func fetchUserData(ctx context.Context) <-chan []byte {
	ch := make(chan []byte)
	go func() {
		// When ctx ends first nobody receives any more: this send never
		// returns, and the record it holds is never freed.
		ch <- queryDatabase()
	}()
	return ch
}

func handleUser(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	select {
	case record := <-fetchUserData(ctx):
		fmt.Fprintf(w, "%d bytes\n", len(record))
	case <-ctx.Done():
		http.Error(w, "the database is slow today", http.StatusGatewayTimeout)
	}
}

// drive asks for users, perSecond times a second, until it is ended.
func drive(url string, perSecond int) {
	for range time.Tick(time.Second / time.Duration(perSecond)) {
		go func() {
			if answer, err := http.Get(url); err == nil {
				answer.Body.Close()
			}
		}()
	}
}

func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return l
}

func main() {
	ready := flag.String("ready", "", "file that gets the two addresses: service, pprof")
	url := flag.String("drive", "", "ask this URL instead of serving")
	perSecond := flag.Int("rate", 50, "requests a second, with -drive")
	flag.Parse()
	if *url != "" {
		drive(*url, *perSecond)
	}
	service, pprof := listen(), listen()
	addresses := fmt.Sprintf("%s %s\n", service.Addr(), pprof.Addr())
	if err := os.WriteFile(*ready+".tmp", []byte(addresses), 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.Rename(*ready+".tmp", *ready); err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(pprof, nil)) }() // where net/http/pprof registered
	mux := http.NewServeMux()
	mux.HandleFunc("/user", handleUser)
	log.Fatal(http.Serve(service, mux))
}
