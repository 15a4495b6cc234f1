package service

import (
	"math"
	"math/rand/v2"
	"time"
)

// Shape is the load over time: a base rate that swings as days do, and may
// double for good. The same seed gives the same arrivals.
type Shape struct {
	PerSecond float64
	Swing     float64       // 0 steady … 1 down to nothing at night
	Period    time.Duration // of the swing
	DoubleAt  time.Duration // 0 never
	Seed      uint64
}

// At is the rate, per second, at this time since the start.
func (s Shape) At(since time.Duration) float64 {
	rate := s.PerSecond
	if s.Period > 0 {
		rate *= 1 - s.Swing*math.Cos(2*math.Pi*since.Seconds()/s.Period.Seconds())
	}
	if s.DoubleAt > 0 && since >= s.DoubleAt {
		rate *= 2
	}
	return rate
}

// Arrivals calls f for each arrival, numbered from 1, until stop is closed. f
// must not block.
func (s Shape) Arrivals(stop <-chan struct{}, f func(n int)) {
	const step = 10 * time.Millisecond
	random := rand.New(rand.NewPCG(s.Seed, 0))
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	start := time.Now()
	n, due := 0, 0.0
	for done := time.Duration(0); ; {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		// A late tick makes up for what it missed, so that the number of
		// arrivals does not depend on the machine.
		for ; done < time.Since(start); done += step {
			due += s.At(done) * step.Seconds() * 2 * random.Float64()
		}
		for ; due >= 1; due-- {
			n++
			f(n)
		}
	}
}
