#!/bin/bash
# The commands without an agent, as a person or a script meets them: what they
# print, their exit codes, and that nothing is said where nothing should be.
#   tests/e2e/cli.sh LEAKWATCH
cd "$(dirname "$0")/../.." || exit
leakwatch=$(realpath "${1:?usage: cli.sh LEAKWATCH}") || exit
data=$PWD/tests/data/captures
work=$(mktemp -d "${TMPDIR:-/tmp}/leakwatch-cli.XXXXXX") || exit
trap 'rm -rf "$work"' EXIT
cd "$work" || exit
failures=0 checks=0
unset "${!LEAKWATCH_@}"

# expect CODE PATTERN ARG…: the exit code, and a line of stdout or stderr. The
# pattern - is for silence.
expect() {
    local code=$1 pattern=$2 status
    shift 2
    checks=$((checks + 1))
    "$leakwatch" "$@" >out 2>err </dev/null
    status=$?
    if [ $status != "$code" ]; then
        echo "FAIL $*: exit $status, not $code"
    elif [ "$pattern" = - ] && [ -s err ]; then
        echo "FAIL $*: says something"
    elif [ "$pattern" != - ] && ! grep -qE -- "$pattern" out err; then
        echo "FAIL $*: no line like '$pattern'"
    else
        return
    fi
    failures=$((failures + 1))
    head -5 out err
}

A=$data/cart-A.goroutine1.txt B=$data/cart-B.goroutine1.txt

# Help, for people who do not know yet.
expect 2 'leakwatch watch'
expect 0 'Exit codes' --help
expect 0 'libmicrohttpd' --version
expect 0 'dir-limit' help settings
expect 0 '^\|' help settings --markdown
expect 2 "did you mean 'status'" stats
expect 2 "no command 'frobnicate'" frobnicate
for command in watch status dump dumps diff convert replay doctor; do
    expect 0 '^Example:' $command --help
    expect 0 '^Example:' help $command
done

# convert
expect 0 - convert "$A" -o a.pb.gz
expect 0 - convert "$A"
gzip -t <out || { echo "FAIL convert: not gzip" && failures=$((failures + 1)); }
cmp -s out a.pb.gz || { echo "FAIL convert: stdout and -o differ" && failures=$((failures + 1)); }
gzip -c "$A" >a.txt.gz
expect 0 - convert a.txt.gz -o a2.pb.gz
cmp -s a.pb.gz a2.pb.gz || { echo "FAIL convert of gzip differs" && failures=$((failures + 1)); }
head -c 1500 "$A" >cut.txt
expect 2 'whole records come before the cut' convert cut.txt -o cut.pb.gz
[ ! -e cut.pb.gz ] || { echo "FAIL convert: wrote a cut page" && failures=$((failures + 1)); }
expect 2 'line' convert --partial cut.txt -o cut.pb.gz
gzip -t cut.pb.gz || failures=$((failures + 1))
echo '<html>' >page.html
expect 2 'neither debug=1 text nor a pprof profile' convert page.html
expect 2 'No such file' convert nothing.txt
expect 2 'takes one FILE' convert
expect 2 'unknown option --fast' convert --fast "$A"
expect 2 '.' convert --from-log page.html
if command -v script >/dev/null; then
    checks=$((checks + 1))
    script -qec "$leakwatch convert $A" typescript </dev/null >out 2>&1
    grep -q 'not writing a binary profile to a terminal' out ||
        { echo "FAIL convert: binary to a terminal" && failures=$((failures + 1)); }
fi

# diff of files
expect 0 'goroutine: 343 -> 9,318 \(\+8,975\)' diff "$A" "$B"
expect 0 '"change":8975' diff "$A" "$B" -o json
expect 0 'goroutine: 343 -> 9,318' diff a.pb.gz "$B"
expect 0 - diff "$A" "$B" -o proto --output d.pb.gz
gzip -t d.pb.gz || failures=$((failures + 1))
expect 1 '\+9,000' diff "$A" "$B" --fail-on-growth 8999
expect 0 '\+9,000' diff "$A" "$B" --fail-on-growth 9000
expect 0 'no stack changed' diff "$A" "$A" --fail-on-growth 0
expect 2 'cannot be compared: one is debug=1 text' diff "$A" "$data/cart-B.goroutine0.pb.gz"
expect 2 'comes with the report' diff "$A" "$B" -o html
expect 2 "not one of text\|json\|proto" diff "$A" "$B" -o xml
expect 2 'exclude each other' diff "$A" "$B" --base --diff-base
expect 2 'needs a value' diff "$A" "$B" --fail-on-growth
expect 2 'whole number' diff "$A" "$B" --fail-on-growth many
expect 2 'two sides' diff
expect 2 'only be compared with another moment' diff -6h "$B"
expect 2 'no agent answers' diff -6h now --dir "$work"

# replay of series
traces=$data/../traces
awk 'BEGIN { print "t,s_main.leak"; for (t = 0; t < 10800; t += 10) print t "," 20 + int(t / 36) }' >leak.csv
expect 0 '^{"t":7200,"event":"verdict","kind":"drift","grade":"likely","stack":"main.leak",' replay leak.csv
expect 0 '^{"t":7200,"event":"dump","trigger":"verdict",' replay leak.csv
expect 0 - replay leak.csv --allow-stack main.leak
[ ! -s out ] || { echo "FAIL replay: an allowed stack" && failures=$((failures + 1)); }
expect 0 - replay "$traces/flat.csv"
[ ! -s out ] || { echo "FAIL replay: a sound series" && failures=$((failures + 1)); }
expect 0 - replay "$traces/memory/memlimit.csv"
grep -q '"event":"verdict","kind":"heap"' out || { echo "FAIL replay: no verdict" && failures=$((failures + 1)); }
cp out of_file
checks=$((checks + 1))
"$leakwatch" replay - <"$traces/memory/memlimit.csv" | cmp - of_file ||
    { echo "FAIL replay of stdin differs" && failures=$((failures + 1)); }
{ cat leak.csv && echo 5,1; } >back.csv
expect 2 '^leakwatch: back.csv: line 1082, column 1: t is 5, and 10790 before; it must rise$' replay back.csv
grep -q verdict out || { echo "FAIL replay: nothing said before the error" && failures=$((failures + 1)); }
expect 2 '^leakwatch: stdin: the file is empty' replay -
expect 2 'line 1: no column' replay "$A"
expect 2 '^leakwatch: nothing.csv: No such file or directory$' replay nothing.csv
expect 2 'takes one FILE' replay
expect 2 'takes one FILE' replay leak.csv leak.csv
expect 2 'history-bytes' replay leak.csv --history-bytes 1

# Where there is no agent and nothing on disk
expect 2 'is --dir right' status --dir "$work/none"
expect 2 'no history' status --dir "$work"
expect 2 'no agent answers' dump --dir "$work"
expect 0 'no dumps in' dumps --dir "$work"
expect 0 '\{"dumps":\[\]\}' dumps list -o json --dir "$work"
expect 2 'there is no dump' dumps show latest --dir "$work"
expect 2 'no dump "20"' dumps rm 20 --dir "$work"
expect 2 'dumps knows list' dumps frob --dir "$work"
expect 2 'dir-limit' status --dir-limit lots
expect 2 'refused|listens' doctor --target http://127.0.0.1:9 --dir "$work"
expect 2 '"grade":"bad"' doctor --target http://127.0.0.1:9 --dir "$work" -o json

echo "cli: $checks checks, $failures failed"
[ $failures = 0 ]
