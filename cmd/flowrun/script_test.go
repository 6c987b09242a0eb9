package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/connectors/stripe"
)

// TestScripts runs the files of testdata/script. Besides testscript's own commands they have:
//
//	start NAME args…      runs `flowrun args…` in the background and waits for its first line; $NAME_webhooks and
//	                      $NAME_control are its URLs, $NAME_address is the latter's address
//	launch NAME args…     the same without waiting
//	ready NAME            waits for that line
//	await NAME PATTERN    waits until what NAME printed, on either output, matches
//	signal NAME SIG       sends TERM, INT, HUP or KILL
//	ended NAME CODE       waits for the end, checks the exit code, and leaves the outputs in NAME.stdout and NAME.stderr
//	eventually PATTERN args…   runs `flowrun args…` until its output matches
//	vendor-fails STATUS…  has the stand-in answer its next calls with these
//	vendor-cuts           has it close the connection of its next call without an answer
//	idof PREFIX NAME args…  runs `flowrun args…` and puts the first id of that prefix into $NAME
//	keep NAME PATTERN     sets $NAME to what the pattern finds in the last standard output
//	exits CODE args…      runs `flowrun args…` and checks its exit code
//	called PATTERN        waits for a call to the stand-in of Customer.io, whose address is $CUSTOMERIO
//
//	past ID CUSTOMER AGO  adds a failed charge to what the stand-in of Stripe, whose address is $STRIPE, has of the past
//	restrict KEY PERMISSION…   has it allow a key these and no others
//
// UPDATE=1 writes the outputs that `cmp stdout` compares with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			w := &world{processes: map[string]*process{}, calls: newWatched()}
			w.fake = customeriofake.New(customeriofake.Options{OnCall: func(c customeriofake.Call) {
				_, _ = w.calls.Write([]byte(c.Method + " " + c.Path + " " + string(c.Raw) + "\n"))
			}})
			srv := httptest.NewServer(w.fake)
			w.stripe = stripefake.New(stripefake.Options{API: stripe.NewAPI()})
			stripeSrv := httptest.NewServer(w.stripe)
			env.Values[worldKey{}] = w
			env.Setenv("CUSTOMERIO", srv.URL)
			env.Setenv("STRIPE", stripeSrv.URL)
			env.Setenv("TZ", "UTC")
			env.Defer(func() {
				w.stopAll()
				srv.Close()
				stripeSrv.Close()
			})
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"start":      func(ts *testscript.TestScript, _ bool, args []string) { launch(ts, args); ready(ts, args[0]) },
			"launch":     func(ts *testscript.TestScript, _ bool, args []string) { launch(ts, args) },
			"ready":      func(ts *testscript.TestScript, _ bool, args []string) { ready(ts, args[0]) },
			"await":      await,
			"signal":     send,
			"ended":      ended,
			"eventually": eventually,
			"called":     called,
			"idof":       idOf,
			"vendor-fails": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, word := range args {
					status, err := strconv.Atoi(word)
					ts.Check(err)
					worldOf(ts).fake.Fail(customeriofake.Fault{Status: status})
				}
			},
			"vendor-cuts": func(ts *testscript.TestScript, _ bool, _ []string) {
				worldOf(ts).fake.Fail(customeriofake.Fault{Cut: true})
			},
			"exits": exits,
			"keep":  keep,
			"past":  past,
			"restrict": func(ts *testscript.TestScript, _ bool, args []string) {
				if len(args) == 0 {
					ts.Fatalf("usage: restrict KEY PERMISSION…")
				}
				worldOf(ts).stripe.Restrict(args[0], args[1:]...)
			},
		},
	})
}

type worldKey struct{}

// world is what a script has started.
type world struct {
	mu        sync.Mutex
	processes map[string]*process
	fake      *customeriofake.Fake
	stripe    *stripefake.Fake
	calls     *watched
}

func (w *world) stopAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes {
		if !p.ended() {
			_ = p.signal(os.Kill)
			<-p.done
		}
	}
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func (w *world) process(ts *testscript.TestScript, name string) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.processes[name]
	if p == nil {
		ts.Fatalf("nothing of the name %q was started", name)
	}
	return p
}

// environ is the script's environment.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "WORK", "NO_COLOR", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET",
		"STRIPE_BASE_URL", "CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY", "CUSTOMERIO_APP_KEY", "CUSTOMERIO_TRACK_URL",
		"CUSTOMERIO_APP_URL", "FLOWRUN_CONTROL_TOKEN", "FLOWRUN_LISTEN", "FLOWRUN_STORE", "FLOWRUN_TEST_CRASH"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func launch(ts *testscript.TestScript, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: start NAME args…")
	}
	p, err := startProcess(ts.MkAbs("."), environ(ts), args[1:]...)
	ts.Check(err)
	w := worldOf(ts)
	w.mu.Lock()
	w.processes[args[0]] = p
	w.mu.Unlock()
}

func ready(ts *testscript.TestScript, name string) {
	webhooks, control, err := worldOf(ts).process(ts, name).ready()
	ts.Check(err)
	ts.Setenv(name+"_webhooks", webhooks)
	ts.Setenv(name+"_control", control)
	ts.Setenv(name+"_address", strings.TrimPrefix(control, "http://"))
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	p := worldOf(ts).process(ts, args[0])
	pattern := regexp.MustCompile(strings.Join(args[1:], " "))
	found := make(chan error, 2)
	go func() { found <- p.out.await(pattern) }()
	go func() { found <- p.err.await(pattern) }()
	if first := <-found; first == nil {
		return
	}
	if err := <-found; err != nil {
		ts.Fatalf("%v\n%s%s", err, p.out, p.err)
	}
}

func send(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt, "HUP": syscall.SIGHUP, "KILL": os.Kill}[args[1]]
	if sig == nil {
		ts.Fatalf("unknown signal %q", args[1])
	}
	ts.Check(worldOf(ts).process(ts, args[0]).signal(sig))
}

func ended(ts *testscript.TestScript, _ bool, args []string) {
	p := worldOf(ts).process(ts, args[0])
	ts.Check(p.wait())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".stdout"), []byte(p.out.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".stderr"), []byte(p.err.String()), 0o600))
	if got, want := p.code, args[1]; want != itoa(got) {
		ts.Fatalf("%s ended with %d, want %s\n%s%s", args[0], got, want, p.out, p.err)
	}
}

func itoa(n int) string {
	if n < 0 {
		return "-1"
	}
	return string(rune('0' + n%10))
}

func eventually(ts *testscript.TestScript, _ bool, args []string) {
	untilPrinted(ts, regexp.MustCompile(args[0]), args[1:])
}

// untilPrinted runs a command until it prints what matches, and returns that.
func untilPrinted(ts *testscript.TestScript, pattern *regexp.Regexp, args []string) string {
	deadline := time.Now().Add(patience)
	for {
		p, err := startProcess(ts.MkAbs("."), environ(ts), args...)
		ts.Check(err)
		ts.Check(p.wait())
		if found := pattern.FindString(p.out.String()); found != "" {
			return found
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never came; last:\n%s%s", pattern, p.out, p.err)
		}
	}
}

func keep(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindString(ts.ReadFile("stdout"))
	if found == "" {
		ts.Fatalf("%s is not in the output", args[1])
	}
	ts.Setenv(args[0], found)
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	p, err := startProcess(ts.MkAbs("."), environ(ts), args[1:]...)
	ts.Check(err)
	ts.Check(p.wait())
	if itoa(p.code) != args[0] {
		ts.Fatalf("it ended with %d, want %s\n%s%s", p.code, args[0], p.out, p.err)
	}
}

func called(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if err := w.calls.await(regexp.MustCompile(args[0])); err != nil {
		ts.Fatalf("%v\n%s", err, w.calls)
	}
}

// idOf waits until a command prints an id of a form, and sets a variable to it.
func idOf(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[1], untilPrinted(ts, regexp.MustCompile(`\b`+regexp.QuoteMeta(args[0])+`\w+`), args[2:]))
}

func past(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: past ID CUSTOMER AGO")
	}
	ago, err := time.ParseDuration(args[2])
	ts.Check(err)
	if !worldOf(ts).stripe.PutEvent(fmt.Appendf(nil, `{"id":%q,"object":"event","api_version":"2023-10-16","created":%d,"livemode":false,"type":"charge.failed",`+
		`"data":{"object":{"id":"ch_1","object":"charge","amount":1200,"currency":"usd","customer":%q,"status":"failed"}}}`, args[0], time.Now().Add(-ago).Unix(), args[1])) {
		ts.Fatalf("the event can't be read")
	}
}
