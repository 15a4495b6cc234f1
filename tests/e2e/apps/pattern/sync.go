package pattern

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"shop.example/apps/service"
)

var errSoldOut = errors.New("sold out")

// reserve fails on the unlucky path.
func reserve(unlucky bool) error {
	time.Sleep(time.Millisecond)
	if unlucky {
		return errSoldOut
	}
	return nil
}

// WaitGroup: a worker that returns early without Done.
//
// What grows: one handler for each such request, in Wait.
var WaitGroup = service.Pattern{
	Name:    "waitgroup",
	Leaking: service.Always(http.HandlerFunc(checkOutLeaking)),
	Fixed:   service.Always(http.HandlerFunc(checkOutFixed)),
}

func checkOutLeaking(_ http.ResponseWriter, r *http.Request) {
	var items sync.WaitGroup
	items.Add(3)
	for i := 0; i < 3; i++ {
		go func() {
			if reserve(service.Unlucky(r) && i == 2) != nil {
				return // without Done
			}
			items.Done()
		}()
	}
	items.Wait() // leak: sync
}

func checkOutFixed(_ http.ResponseWriter, r *http.Request) {
	var items sync.WaitGroup
	items.Add(3)
	for i := 0; i < 3; i++ {
		go func() {
			defer items.Done()
			reserve(service.Unlucky(r) && i == 2)
		}()
	}
	items.Wait()
}

// Mutex: a return between Lock and Unlock.
//
// What grows: every later handler, in Lock; the first that forgot is gone.
var Mutex = service.Pattern{
	Name:    "mutex",
	Leaking: service.Always(http.HandlerFunc(new(stock).takeLeaking)),
	Fixed:   service.Always(http.HandlerFunc(new(stock).takeFixed)),
}

type stock struct {
	mu    sync.Mutex
	taken int
}

func (s *stock) takeLeaking(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock() // leak: sync
	if err := reserve(service.Unlucky(r)); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return // without Unlock
	}
	s.taken++
	s.mu.Unlock()
}

func (s *stock) takeFixed(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := reserve(service.Unlucky(r)); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	s.taken++
}
