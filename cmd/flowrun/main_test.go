package main

// The tests run flowrun as users do: as a process. The process is this test binary under another name; that one, and
// only that one, has a door for crashes.

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"flowrun": func() {
		program := &Main{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv, Args: os.Args[1:]}
		program.Crash = crashAt(os.Getenv("FLOWRUN_TEST_CRASH"))
		os.Exit(program.Run(context.Background()))
	}})
}

// crashAt returns a hook that kills the process when it passes a point ("before-call"), or passes it for the n-th time
// ("before-call:3").
func crashAt(where string) func(string) {
	if where == "" {
		return nil
	}
	point, times, _ := strings.Cut(where, ":")
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		n = 1
	}
	var left atomic.Int64
	left.Store(n)
	return func(at string) {
		if at != point || left.Add(-1) != 0 {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // nothing may happen between the signal and the end
	}
}
