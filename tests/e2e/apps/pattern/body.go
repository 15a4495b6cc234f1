package pattern

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"

	"shop.example/apps/service"
)

// Body: a response whose body is neither read nor closed.
//
// What grows: net/http's two loops of a connection that cannot be used again,
// readLoop waiting for the body's end. No frame of them is the user's; who made
// the request is known from the heap alone.
var Body = service.Pattern{
	Name:    "http-body",
	Leaking: asking(priceLeaking),
	Fixed:   asking(priceFixed),
	Backend: func(l net.Listener) { http.Serve(l, http.HandlerFunc(servePrice)) },
}

func priceLeaking(client *http.Client, url string) (string, error) {
	response, err := client.Get(url) // leak: http-body
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "no price", nil // without Close
	}
	defer response.Body.Close()
	price, err := io.ReadAll(response.Body)
	return string(price), err
}

func priceFixed(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	price, err := io.ReadAll(response.Body) // read all the same, to use the connection again
	if response.StatusCode != http.StatusOK {
		return "no price", nil
	}
	return string(price), err
}

// servePrice has none on the unlucky path.
func servePrice(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/none" {
		http.Error(w, strings.Repeat("sorry ", 500), http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "12.50")
}

func asking(price func(*http.Client, string) (string, error)) service.Start {
	return func(_ context.Context, needs service.Needs) (http.Handler, error) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path := "/price"
			if service.Unlucky(r) {
				path = "/none"
			}
			answer, err := price(client, "http://"+needs.Backend+path)
			if err != nil {
				answer = err.Error()
			}
			io.WriteString(w, answer)
		}), nil
	}
}
