//go:debug asynctimerchan=1

// Shop-timers is shop for the patterns that leak only with the timer channels of
// Go 1.22 and before.
package main

import (
	"runtime"

	"shop.example/apps/pattern"
	"shop.example/apps/service"
)

func main() {
	// These leak megabytes where a service in production leaks gigabytes; at the
	// default rate a window's rise would be a hundred samples, and its thirds
	// uneven by chance.
	runtime.MemProfileRate = 64 << 10
	service.Main(pattern.Timers)
}
