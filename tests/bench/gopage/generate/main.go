// Generate writes the packages that gopage's goroutines walk through:
// generate FUNCTIONS DIR, DIR being gopage's own. Each function calls on from
// four places, so that there are four times as many different frames.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// As long as the names of services are.
var (
	packages = []string{
		"internal/checkout", "internal/billing/ledger", "pkg/cache", "internal/transport/grpcserver",
		"pkg/retry", "internal/storage/postgres", "pkg/queue", "internal/catalog",
	}
	types = []string{"Server", "sessionStore", "RetryingClient", "batchWriter", "pool"}
	verbs = []string{"Handle", "lookupByIdentifier", "publishBatch", "Do", "withDeadline", "refresh", "awaitResponse"}
)

const function = `
//go:noinline
func (r *%s) %s%d(p *walk.Path) {
	switch s := p.Next(); s.Site {
	case 0:
		s.Call(p)
	case 1:
		s.Call(p)
	case 2:
		s.Call(p)
	default:
		s.Call(p)
	}
}
`

// write writes one file of at most 40 functions; it numbers them from first.
func write(dir, pkg string, first, last int) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\nimport \"gopage/walk\"\n\n", filepath.Base(pkg))
	fmt.Fprintf(&b, "// All%d are the functions of this file.\nvar All%d = []func(*walk.Path){\n", first, first)
	for i := first; i < last; i++ {
		fmt.Fprintf(&b, "\t(*%s%d)(nil).%s%d,\n", types[i%len(types)], first, verbs[i%len(verbs)], i)
	}
	fmt.Fprint(&b, "}\n\ntype (\n")
	for _, t := range types {
		fmt.Fprintf(&b, "\t%s%d struct{}\n", t, first)
	}
	fmt.Fprint(&b, ")\n")
	for i := first; i < last; i++ {
		fmt.Fprintf(&b, function, types[i%len(types)]+strconv.Itoa(first), verbs[i%len(verbs)], i)
	}
	if err := os.MkdirAll(filepath.Join(dir, pkg), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, pkg, fmt.Sprintf("steps_%d.go", first)), b.Bytes(), 0o644)
}

func main() {
	var imports, all bytes.Buffer
	functions, err := strconv.Atoi(os.Args[1])
	dir := os.Args[2]
	for first, i := 0, 0; first < functions && err == nil; first, i = first+40, i+1 {
		pkg := packages[i%len(packages)]
		last := first + 40
		if last > functions {
			last = functions
		}
		err = write(dir, pkg, first, last)
		if i < len(packages) {
			fmt.Fprintf(&imports, "\t\"gopage/%s\"\n", pkg)
		}
		fmt.Fprintf(&all, "\tfunctions = append(functions, %s.All%d...)\n", filepath.Base(pkg), first)
	}
	list := fmt.Sprintf("package main\n\nimport (\n%s)\n\nfunc init() {\n%s}\n", imports.String(), all.String())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "functions.go"), []byte(list), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
