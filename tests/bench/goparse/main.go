// Goparse measures github.com/google/pprof/profile.Parse on one file, for
// comparison with bench_parse: goparse FILE [SECONDS]. It prints bytes/s of
// CPU time.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/google/pprof/profile"
)

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: goparse FILE [SECONDS]")
		os.Exit(2)
	}
	body, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	least := 2.0
	if len(os.Args) > 2 {
		least, _ = strconv.ParseFloat(os.Args[2], 64)
	}
	runtime.GOMAXPROCS(1)
	start, wall := cpu(), time.Now()
	rounds, samples := 0, 0
	for (cpu() - start).Seconds() < least {
		p, err := profile.Parse(bytes.NewReader(body))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		rounds, samples = rounds+1, len(p.Sample)
	}
	spent := (cpu() - start).Seconds()
	fmt.Printf("%.0f bytes/s (%d bytes, %d samples, %.0f us; %.0f bytes/s by the wall)\n",
		float64(rounds)*float64(len(body))/spent, len(body), samples,
		1e6*spent/float64(rounds), float64(rounds)*float64(len(body))/time.Since(wall).Seconds())
}
