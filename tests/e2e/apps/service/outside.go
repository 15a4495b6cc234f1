package service

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The operation's requests wait so long for their answer.
const patience = time.Second

// startOutside starts this program again as the service's clients and backend:
// a real service does not contain them, and they would be in its profiles. They
// say the backend's address, are told the service's through the writer, and go
// when it is closed, as it is at the service's end, whatever that be.
func startOutside() (io.WriteCloser, string) {
	world := exec.Command(os.Args[0], append([]string{"-outside"}, os.Args[1:]...)...)
	world.Stderr = os.Stderr
	in, err := world.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	out, err := world.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := world.Start(); err != nil {
		log.Fatal(err)
	}
	backend, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal("the clients ended: ", world.Wait()) }()
	return in, strings.TrimSpace(backend)
}

// surround is that other process.
func (o *options) surround(p Pattern) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if p.Backend != nil {
		go p.Backend(listener)
	}
	fmt.Println(listener.Addr())
	in := bufio.NewReader(os.Stdin)
	address, err := in.ReadString('\n')
	if err != nil {
		return // the service could not start
	}
	ctx, stop := context.WithCancel(context.Background())
	go o.drive(ctx, strings.TrimSpace(address), p.Client)
	io.Copy(io.Discard, in)
	stop()
}

// drive is the clients: until ctx ends.
func (o *options) drive(ctx context.Context, address string, own func(context.Context, string, int)) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	patient := &http.Client{Transport: transport, Timeout: 10 * pollTimeout}
	client := &http.Client{Transport: transport, Timeout: patience}
	elsewhere, operation := o.shape, Shape{}
	if o.swingAll {
		operation = o.shape
	}
	elsewhere.PerSecond, operation.PerSecond, operation.Seed = o.background, o.rate, o.shape.Seed+1
	var failed atomic.Int64
	var drivers sync.WaitGroup
	drivers.Add(2)
	go func() {
		defer drivers.Done()
		elsewhere.Arrivals(ctx.Done(), func(n int) {
			path := "news"
			if n%16 == 0 {
				path = "report"
			} else if n%3 == 0 {
				path = "catalog"
			}
			go get(patient, fmt.Sprintf("http://%s/%s?n=%d", address, path, n), &failed)
		})
	}()
	go func() {
		defer drivers.Done()
		operation.Arrivals(ctx.Done(), func(n int) {
			if own != nil {
				go own(ctx, address, n)
			} else {
				go get(client, fmt.Sprintf("http://%s/operation?n=%d", address, n), &failed)
			}
		})
	}()
	drivers.Wait()
}
