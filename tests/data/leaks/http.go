package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	coder "github.com/coder/websocket"
	"github.com/gorilla/websocket"
)

// Bodies nobody reads or closes.
func callUpstream(ctx context.Context, c *http.Client, url string) {
	resp, err := c.Get(url)
	if err != nil {
		log.Print(err)
		return
	}
	_ = resp.StatusCode
}

// No deadline: the peer never answers.
func callSlow(ctx context.Context, url string) {
	resp, err := http.Get(url)
	if err == nil {
		resp.Body.Close()
	}
}

// One transport a call: its idle connections outlive it.
func callOwnTransport(ctx context.Context, url string) {
	c := &http.Client{Transport: &http.Transport{}}
	resp, err := c.Get(url)
	if err == nil {
		resp.Body.Close()
	}
}

func readForEver(address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		log.Print(err)
		return
	}
	_, _ = bufio.NewReader(c).ReadString('\n')
}

func httpLeaks() []leak {
	big := make([]byte, 1<<20)
	mux := http.NewServeMux()
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(big) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	s := httptest.NewServer(mux)
	s2 := httptest.NewUnstartedServer(mux)
	s2.EnableHTTP2 = true
	s2.StartTLS()
	silent := listen()
	go func() {
		for {
			if c, err := silent.Accept(); err == nil {
				mu.Lock()
				kept = append(kept, c)
				mu.Unlock()
			}
		}
	}()
	return []leak{
		{"http-body", func(ctx context.Context) { callUpstream(ctx, http.DefaultClient, s.URL+"/big") }},
		{"http2-body", func(ctx context.Context) { callUpstream(ctx, s2.Client(), s2.URL+"/big") }},
		{"http-slow", func(ctx context.Context) { callSlow(ctx, s.URL+"/slow") }},
		{"http-transport", func(ctx context.Context) { callOwnTransport(ctx, s.URL+"/ok") }},
		{"io-read", func(ctx context.Context) { readForEver(silent.Addr().String()) }},
	}
}

// 5: the client went away, or does not read.
func handleEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		fmt.Fprintf(w, "data: event at %s\n\n", time.Now())
		w.(http.Flusher).Flush()
		time.Sleep(50 * time.Millisecond)
	}
}

func handleFirehose(w http.ResponseWriter, r *http.Request) {
	chunk := make([]byte, 64<<10)
	for {
		_, _ = w.Write(chunk)
		w.(http.Flusher).Flush()
	}
}

var events = make(chan string)

func handleGorilla(w http.ResponseWriter, r *http.Request) {
	c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	go gorillaReader(c)
	gorillaWriter(c)
}

func gorillaReader(c *websocket.Conn) {
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			return
		}
	}
}

func gorillaWriter(c *websocket.Conn) {
	chunk := make([]byte, 64<<10)
	for {
		_ = c.WriteMessage(websocket.BinaryMessage, chunk)
	}
}

// Waits for what to send, and for nothing else.
func handleFeed(w http.ResponseWriter, r *http.Request) {
	c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	for e := range events {
		_ = c.WriteMessage(websocket.TextMessage, []byte(e))
	}
}

func handleCoder(w http.ResponseWriter, r *http.Request) {
	c, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	chunk := make([]byte, 64<<10)
	for {
		if c.Write(context.Background(), coder.MessageBinary, chunk) != nil {
			return
		}
	}
}

// A hub's writer: the article's own form of it.
type client struct {
	conn *websocket.Conn
	send chan []byte
}

func (c *client) writePump() {
	ticker := time.NewTicker(time.Hour)
	for {
		select {
		case m := <-c.send:
			_ = c.conn.WriteMessage(websocket.TextMessage, m)
		case <-ticker.C:
		}
	}
}

func (c *client) readPump() {
	for {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			return
		}
	}
}

func handleHub(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{conn: conn, send: make(chan []byte)}
	go c.writePump()
	go c.readPump()
}

// Opens a stream and never reads it; gone: closes it at once.
func visit(url, upgrade string, gone bool) {
	c, err := net.Dial("tcp", url[len("http://"):])
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n", "/")
	if upgrade != "" {
		fmt.Fprint(c, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
	}
	fmt.Fprint(c, "\r\n")
	time.Sleep(200 * time.Millisecond)
	if gone {
		c.Close()
		return
	}
	mu.Lock()
	defer mu.Unlock()
	kept = append(kept, c)
}

// The server's own goroutines inherit the label of who started it.
func streamServer(h http.HandlerFunc) string {
	return httptest.NewServer(h).URL
}

func streamLeaks() []leak {
	serve := func(name, upgrade string, gone bool, h http.HandlerFunc) leak {
		url := sync.OnceValue(func() string { return streamServer(h) })
		return leak{name, func(ctx context.Context) { visit(url(), upgrade, gone) }}
	}
	return []leak{
		serve("sse-gone", "", true, handleEvents),
		serve("sse-blocked", "", false, handleFirehose),
		serve("ws-gorilla", "websocket", false, handleGorilla),
		serve("ws-gorilla-feed", "websocket", true, handleFeed),
		serve("ws-gorilla-hub", "websocket", true, handleHub),
		serve("ws-coder", "websocket", false, handleCoder),
	}
}
