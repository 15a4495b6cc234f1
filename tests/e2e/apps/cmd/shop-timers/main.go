//go:debug asynctimerchan=1

// Shop-timers is shop for the patterns that leak only with the timer channels of
// Go 1.22 and before.
package main

import (
	"shop.example/apps/pattern"
	"shop.example/apps/service"
)

func main() { service.Main(pattern.Timers) }
