package service

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func get(client *http.Client, url string, failed *atomic.Int64) {
	response, err := client.Get(url)
	if err != nil {
		failed.Add(1)
		return
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

// DialSmall connects with a receive buffer of some kilobytes, so that not
// reading is soon felt on the other side.
func DialSmall(ctx context.Context, address string) (net.Conn, error) {
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10)
		})
	}}
	return dialer.DialContext(ctx, "tcp", address)
}

// Streaming is the client of an event stream. A lucky one reads for a moment
// and leaves; an unlucky one stops reading and never says so, as a phone does
// that has lost its network. open makes the request on the connection.
func Streaming(open func(conn net.Conn, address string) error) func(context.Context, string, int) {
	return func(ctx context.Context, address string, n int) {
		conn, err := DialSmall(ctx, address)
		if err != nil {
			return
		}
		if open(conn, address) == nil && UnluckyNumber(n) {
			silent.add(conn)
			return
		}
		conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		io.Copy(io.Discard, conn)
		conn.Close()
	}
}

// The phones without a network: nobody closes their connections.
var silent phones

type phones struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (p *phones) add(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conn)
}
