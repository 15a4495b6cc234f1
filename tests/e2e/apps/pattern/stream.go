package pattern

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"shop.example/apps/service"
)

const (
	eventInterval = 20 * time.Millisecond
	// How long a write may take before its client counts as gone.
	writeTimeout = time.Second
)

var event = strings.Repeat("offer ", 3000)

// SSE: server-sent events to a client that no longer reads.
//
// What grows: one handler for each such client, in its write. Its context does
// not end, for the connection is not closed.
var SSE = service.Pattern{
	Name:    "sse",
	Leaking: service.Always(http.HandlerFunc(offersLeaking)),
	Fixed:   service.Always(http.HandlerFunc(offersFixed)),
	Client:  eventClient,
}

func offersLeaking(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for r.Context().Err() == nil {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", event); err != nil { // leak: stream-write
			return
		}
		w.(http.Flusher).Flush() // leak: stream-write
		time.Sleep(eventInterval)
	}
}

func offersFixed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for r.Context().Err() == nil {
		control.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := fmt.Fprintf(w, "data: %s\n\n", event); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		time.Sleep(eventInterval)
	}
}

var eventClient = service.Streaming(func(conn net.Conn, address string) error {
	_, err := fmt.Fprintf(conn, "GET /operation HTTP/1.1\r\nHost: %s\r\n\r\n", address)
	return err
})

// WebSocket: the same over a WebSocket.
//
// What grows: one writer for each such client. The handler has returned, the
// connection is the writer's.
var WebSocket = service.Pattern{
	Name:    "websocket",
	Leaking: service.Always(upgrading(ticksLeaking)),
	Fixed:   service.Always(upgrading(ticksFixed)),
	Client:  webSocketClient,
}

func ticksLeaking(conn *websocket.Conn) {
	defer conn.Close()
	for {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(event)); err != nil { // leak: stream-write
			return
		}
		time.Sleep(eventInterval)
	}
}

func ticksFixed(conn *websocket.Conn) {
	defer conn.Close()
	for {
		conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if err := conn.WriteMessage(websocket.TextMessage, []byte(event)); err != nil {
			return
		}
		time.Sleep(eventInterval)
	}
}

func upgrading(write func(*websocket.Conn)) http.HandlerFunc {
	var upgrader websocket.Upgrader
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		go write(conn)
	}
}

var webSocketClient = service.Streaming(func(conn net.Conn, address string) error {
	_, _, err := websocket.NewClient(conn, &url.URL{Scheme: "ws", Host: address, Path: "/operation"}, nil, 1024, 1024)
	return err
})
