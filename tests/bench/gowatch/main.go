// Gowatch is what a person would write in an afternoon, for comparison: it
// fetches the goroutine page every 10 s and keeps the last 4,000 summaries.
//
//	gowatch URL [INTERVAL]
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const kept = 4000

// A summary is what remains of one page: 64 bytes.
type summary struct {
	at             int64
	total, records int64
	largest        [5]int64
}

func read(body io.Reader) (summary, error) {
	s := summary{at: time.Now().UnixMilli()}
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		count, _, isRecord := strings.Cut(lines.Text(), " @ ")
		n, err := strconv.ParseInt(count, 10, 64)
		if !isRecord || err != nil {
			continue
		}
		if s.records < int64(len(s.largest)) { // the page begins with them
			s.largest[s.records] = n
		}
		s.records++
		s.total += n
	}
	return s, lines.Err()
}

func fetch(url string) (summary, error) {
	answer, err := http.Get(url)
	if err != nil {
		return summary{}, err
	}
	defer answer.Body.Close()
	return read(answer.Body)
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gowatch URL [INTERVAL]")
		os.Exit(2)
	}
	interval := 10 * time.Second
	if len(os.Args) > 2 {
		interval, _ = time.ParseDuration(os.Args[2])
	}
	ring := make([]summary, kept)
	for i := 0; ; i++ {
		s, err := fetch(os.Args[1] + "/debug/pprof/goroutine?debug=1")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		ring[i%kept] = s
		time.Sleep(interval)
	}
}
