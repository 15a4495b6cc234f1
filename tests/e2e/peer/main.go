// The targets of the end-to-end tests as nobody wants them: one process, many
// listeners, each with its own way to answer.
//
//	peer [flags] NAME[@ADDRESS]=WHAT[,WHAT…] …
//
// ADDRESS is host:port or the path of a Unix socket; else a port is chosen. WHAT:
//
//	pprof                 as net/http/pprof does
//	tls, mtls             behind a certificate; asking for the client's
//	secret                401 unless a header line equals the file's of -secret
//	tcp                   accepts, and never says anything
//	h2c                   HTTP/2 without TLS, as gRPC servers speak it
//	FAULT or FAULT/PAGE   redirect html notfound denied drip endless bomb cut
//	                      instead of one page (index, goroutine, heap), or all
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	ready    = flag.String("ready", "", "file that gets a line NAME ADDRESS for each")
	cert     = flag.String("cert", "", "certificate of tls")
	key      = flag.String("key", "", "its key")
	clientCA = flag.String("client-ca", "", "who signs the clients' certificates of mtls")
	secret   = flag.String("secret", "", "file with the header line that secret wants")
	sane     = flag.Bool("sane-on-usr1", false, "SIGUSR1 ends all faults")
)

var sound atomic.Bool

// gzipBomb is 64 MiB of zeros in 64 KB.
var gzipBomb = func() []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	zeros := make([]byte, 1<<20)
	for i := 0; i < 64; i++ {
		w.Write(zeros)
	}
	w.Close()
	return b.Bytes()
}()

func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100000")
	for r.Context().Err() == nil {
		w.Write([]byte{' '})
		w.(http.Flusher).Flush()
		time.Sleep(200 * time.Millisecond)
	}
}

// endless looks like a page that goes on and on: the same stack, over and over.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Write([]byte("goroutine profile: total 1000000000\n"))
	for i := 0; r.Context().Err() == nil; i++ {
		_, err := fmt.Fprintf(w, "1 @ 0x%x 0x%x\n#\t0x%x\tmain.f%d+0x1\t/f.go:%d\n\n", i+4096, i+9999, i+4096, i, i)
		if err != nil {
			return
		}
	}
}

// cut promises more than it gives.
func cut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "5000")
	w.Write([]byte("goroutine profile: total 12\n12 @ 0x1000\n"))
}

var faults = map[string]http.HandlerFunc{
	"redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusFound)
	},
	"html": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintln(w, "<!doctype html><title>Shop</title><h1>Welcome</h1>")
	},
	"notfound": http.NotFound,
	"denied":   func(w http.ResponseWriter, r *http.Request) { http.Error(w, "who are you?", http.StatusUnauthorized) },
	"drip":     drip,
	"endless":  endless,
	"cut":      cut,
	"bomb":     func(w http.ResponseWriter, r *http.Request) { w.Write(gzipBomb) },
}

func page(path string) string {
	if path == "/debug/pprof/" {
		return "index"
	}
	return strings.TrimPrefix(path, "/debug/pprof/")
}

// knows tells whether the request has the secret.
func knows(r *http.Request) bool {
	line, err := os.ReadFile(*secret)
	name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ": ")
	return err == nil && r.Header.Get(name) == value
}

func handler(what []string) http.Handler {
	fault := map[string]http.HandlerFunc{}
	guarded := false
	for _, w := range what {
		name, page, _ := strings.Cut(w, "/")
		if faults[name] != nil {
			fault[page] = faults[name]
		}
		guarded = guarded || w == "secret"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", pprof.Index)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	// Who follows a redirect finds everything.
	mux.Handle("/elsewhere/", http.StripPrefix("/elsewhere", http.HandlerFunc(pprof.Index)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := fault[page(r.URL.Path)]
		if f == nil {
			f = fault[""]
		}
		switch {
		case guarded && !knows(r):
			faults["denied"](w, r)
		case f != nil && !sound.Load() && !strings.HasPrefix(r.URL.Path, "/elsewhere/"):
			f(w, r)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

func encrypted(l net.Listener, mutual bool) net.Listener {
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if mutual {
		pem, err := os.ReadFile(*clientCA)
		if err != nil {
			log.Fatal(err)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(pem)
	}
	return tls.NewListener(l, config)
}

// mute takes connections and says what it is told to, which may be nothing.
func mute(l net.Listener, greeting []byte) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			c.Write(greeting)
			c.SetDeadline(time.Now().Add(20 * time.Second))
			for b := make([]byte, 1024); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		}()
	}
}

func open(address string) net.Listener {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	return l
}

func serve(l net.Listener, what []string) {
	for _, w := range what {
		switch w {
		case "tcp":
			mute(l, nil)
			return
		case "h2c": // an empty SETTINGS frame
			mute(l, []byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
			return
		case "tls", "mtls":
			l = encrypted(l, w == "mtls")
		}
	}
	log.Fatal(http.Serve(l, handler(what)))
}

func main() {
	flag.Parse()
	var lines bytes.Buffer
	for _, spec := range flag.Args() {
		name, what, _ := strings.Cut(spec, "=")
		name, address, given := strings.Cut(name, "@")
		if !given {
			address = "127.0.0.1:0"
		}
		l := open(address)
		fmt.Fprintln(&lines, name, l.Addr())
		go serve(l, strings.Split(what, ","))
	}
	if err := os.WriteFile(*ready+".tmp", lines.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.Rename(*ready+".tmp", *ready); err != nil {
		log.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	if *sane {
		signal.Notify(signals, syscall.SIGUSR1)
	}
	for range signals {
		sound.Store(true)
	}
}
