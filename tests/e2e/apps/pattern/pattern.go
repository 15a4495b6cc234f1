// Package pattern holds the ways in which Go services leak, each beside its
// repair. The line marked "leak: NAME" is the one that the tests expect to be
// named, with the leak pattern NAME.
package pattern

import "shop.example/apps/service"

// All but the timers, which need a main of their own (see cmd/shop-timers).
var All = []service.Pattern{
	Channel, Context, GRPCConn, GRPCStream, Rows, Transaction, Pool,
	SSE, WebSocket, WaitGroup, Mutex, Body,
}

// Timers leak only with the timer channels of Go 1.22.
var Timers = []service.Pattern{TimeAfter, Ticker}
