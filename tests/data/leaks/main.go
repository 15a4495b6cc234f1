// Command leaks leaks in every way that lib/detect/classify names, each under
// the goroutine label "leak", which all that a leak starts inherits, also the
// goroutines of libraries. capture writes what its pprof says: see README.md.
//
//	leaks -pg 'postgres://postgres@127.0.0.1:5432/postgres'
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// What is done `times` times, each in a goroutine of its own.
type leak struct {
	name string
	run  func(ctx context.Context)
}

// Databases allow no more connections.
func times(l leak) int {
	if l.name == "sql-open" {
		return 24
	}
	if strings.HasPrefix(l.name, "sql-") || strings.HasPrefix(l.name, "pgx-") {
		return 8
	}
	return 40
}

func do(l leak) {
	labels := pprof.Labels("leak", l.name)
	for i := 0; i < times(l); i++ {
		pprof.Do(context.Background(), labels, func(ctx context.Context) {
			go l.run(ctx)
		})
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
	pg := flag.String("pg", "", "URL of a PostgreSQL")
	address := flag.String("listen", "127.0.0.1:6399", "of pprof")
	flag.Parse()
	runtime.MemProfileRate = 4 << 10
	all := append(channelLeaks(), syncLeaks()...)
	all = append(all, timerLeaks()...)
	all = append(all, httpLeaks()...)
	all = append(all, streamLeaks()...)
	all = append(all, grpcLeaks()...)
	if *pg != "" {
		all = append(all, databaseLeaks(*pg)...)
	}
	for _, l := range all {
		do(l)
	}
	time.Sleep(3 * time.Second)
	runtime.GC()
	runtime.GC()
	fmt.Fprintln(os.Stderr, "leaking on", *address)
	log.Fatal(http.ListenAndServe(*address, nil))
}
