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
	Leaking: func(context.Context, string) (service.Operation, error) { return asking(priceLeaking) },
	Fixed:   func(context.Context, string) (service.Operation, error) { return asking(priceFixed) },
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

// asking starts the service with the prices, which has none on the unlucky path.
func asking(price func(*http.Client, string) (string, error)) (service.Operation, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return service.Operation{}, err
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			http.Error(w, strings.Repeat("sorry ", 500), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "12.50")
	}))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	url := "http://" + listener.Addr().String()
	return service.Operation{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := "/price"
		if service.Unlucky(r) {
			path = "/none"
		}
		answer, err := price(client, url+path)
		if err != nil {
			answer = err.Error()
		}
		io.WriteString(w, answer)
	})}, nil
}
