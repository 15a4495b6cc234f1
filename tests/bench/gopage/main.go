// Gopage prints debug=1 pages of itself, for bench_parse and goparse: it parks
// goroutines at the ends of random walks through generated functions, each with
// a piece of heap allocated there: gopage -stacks 1000 -depth 10-20 goroutine.txt heap.txt
package main

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"

	"gopage/walk"
)

var (
	stacks = flag.Int("stacks", 1000, "distinct stacks")
	depth  = flag.String("depth", "10-20", "generated frames of a stack")
)

var (
	functions []func(*walk.Path) // filled by the generated files
	kept      [][]byte
	lock      sync.Mutex
	parked    sync.WaitGroup
)

func park() {
	lock.Lock()
	kept = append(kept, make([]byte, 64<<rand.Intn(8)))
	lock.Unlock()
	parked.Done()
	select {}
}

func start(least, most int) {
	path := walk.Path{End: park}
	for n := least + rand.Intn(most-least+1); n > 0; n-- {
		call := functions[rand.Intn(len(functions))]
		path.Steps = append(path.Steps, walk.Step{Call: call, Site: rand.Intn(4)})
	}
	go path.Next().Call(&path)
}

func write(profile, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.Lookup(profile).WriteTo(f, 1); err != nil {
		return err
	}
	return f.Close()
}

func main() {
	var least, most int
	runtime.MemProfileRate = 1
	flag.Parse()
	if _, err := fmt.Sscanf(*depth, "%d-%d", &least, &most); err != nil || flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	rand.Seed(1)
	parked.Add(*stacks)
	for i := 0; i < *stacks; i++ {
		start(least, most)
	}
	parked.Wait()
	runtime.GC()
	runtime.GC()
	for i, profile := range []string{"goroutine", "heap"} {
		if err := write(profile, flag.Arg(i)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
