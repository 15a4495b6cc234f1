// Shop runs one pattern, leaking or fixed, with its load:
//
//	shop -variant leaking channel
package main

import (
	"shop.example/apps/pattern"
	"shop.example/apps/service"
)

func main() { service.Main(pattern.All) }
