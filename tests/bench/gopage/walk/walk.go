// Package walk leads a goroutine through functions, to where it stays.
package walk

// A Path is the rest of the way through the functions, and what is at its end.
type Path struct {
	Steps []Step
	End   func()
}

// A Step is a function to call, and the place in its caller to call it from.
type Step struct {
	Call func(*Path)
	Site int
}

// Next takes a step off the path.
func (p *Path) Next() Step {
	if len(p.Steps) == 0 {
		return Step{Call: func(p *Path) { p.End() }}
	}
	s := p.Steps[0]
	p.Steps = p.Steps[1:]
	return s
}
