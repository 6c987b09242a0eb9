package lsp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/flowrun/flowrun/lang/edit/lsp"
	"github.com/flowrun/flowrun/lang/langtest"
)

// disk is a folder at /home/jo/recipes, and empty ones everywhere else.
type disk fstest.MapFS

func (d disk) dir(path string) fs.FS {
	const root = "/home/jo/recipes"
	if path == root {
		return fstest.MapFS(d)
	}
	sub, ok := strings.CutPrefix(path, root+"/")
	if !ok {
		return fstest.MapFS{}
	}
	f, err := fs.Sub(fstest.MapFS(d), sub)
	if err != nil {
		return fstest.MapFS{}
	}
	return f
}

// at once is a pause that has passed already.
func atOnce(time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	c <- time.Time{}
	return c
}

// client is an editor's end of a conversation.
type client struct {
	t    testing.TB
	in   *io.PipeWriter
	out  *bufio.Reader
	done chan error
}

func connect(t testing.TB, d disk) *client {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	c := &client{t: t, in: inW, out: bufio.NewReader(outR), done: make(chan error, 1)}
	s := &lsp.Server{
		Catalog: langtest.Catalog(), Version: "test", Dir: d.dir, After: atOnce,
		Log: func(text string) { t.Log(text) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		err := s.Serve(ctx, inR, outW)
		outW.CloseWithError(io.EOF)
		c.done <- err
	}()
	t.Cleanup(func() {
		cancel()
		inW.Close()
		outR.Close()
	})
	return c
}

func (c *client) raw(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) send(body string) {
	c.t.Helper()
	c.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
}

func (c *client) receive() string {
	c.t.Helper()
	length := 0
	for {
		line, err := c.out.ReadString('\n')
		if err != nil {
			c.t.Fatalf("reading an answer: %v", err)
		}
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		if _, err := fmt.Sscanf(line, "Content-Length: %d", &length); err != nil {
			c.t.Fatalf("the header %q: %v", line, err)
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.out, body); err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

// end says whether the server was content with the end.
func (c *client) end() error {
	c.in.Close()
	if _, err := io.Copy(io.Discard, c.out); err != nil {
		c.t.Fatal(err)
	}
	return <-c.done
}

// TestSessions plays what editors sent: in a file "session" each line that begins with ">" is sent, and each that begins
// with "<" is what comes back, in this order. UPDATE=1 writes anew what comes back; there must be as many lines as before.
func TestSessions(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sessions: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			d := disk{}
			var session *txtar.File
			for i, f := range archive.Files {
				if f.Name == "session" {
					session = &archive.Files[i]
					continue
				}
				d[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			c := connect(t, d)
			var out bytes.Buffer
			for _, line := range strings.Split(strings.TrimSpace(string(session.Data)), "\n") {
				mark, body, _ := strings.Cut(line, " ")
				switch mark {
				case ">":
					c.send(body)
				case "<":
					got := c.receive()
					if !json.Valid([]byte(got)) {
						t.Errorf("not JSON: %s", got)
					}
					if got != body && os.Getenv("UPDATE") == "" {
						t.Errorf("came\n%s\ninstead of\n%s", got, body)
					}
					line = "< " + got
				}
				out.WriteString(line + "\n")
			}
			if err := c.end(); err != nil {
				t.Errorf("the end: %v", err)
			}
			if os.Getenv("UPDATE") != "" {
				session.Data = out.Bytes()
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
