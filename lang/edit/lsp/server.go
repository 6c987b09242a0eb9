// Package lsp speaks the Language Server Protocol: `flowrun lsp`. It keeps the texts that editors have open, asks
// lang/edit, and turns bytes into lines and characters. It knows nothing of recipes, and reads files through what it is
// given.
package lsp

// Messages are read by one goroutine and handled by another, in order, so that the state needs no lock. A check of the
// whole folder stops as soon as a message waits, and goes on from there: nobody waits for a check.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/lang/schema"
)

// Pause is how long nobody must have typed before a folder is checked.
const Pause = 150 * time.Millisecond

// Server is a language server for one editor.
type Server struct {
	Catalog schema.Catalog
	Version string // of flowrun

	// Dir returns the file system of a folder, by its absolute path.
	Dir func(path string) fs.FS

	// After returns a channel that gets a value after a time, as time.After does.
	After func(time.Duration) <-chan time.Time

	// Log takes what goes wrong inside, line by line; nil where nobody reads it.
	Log func(text string)

	out      *writer
	in       *queue
	enc      encoding
	client   initializeParams
	state    state
	folders  []string // that were opened, the longest first
	docs     map[string]*doc
	projects []*project
	timer    <-chan time.Time
	requests int
}

// state is how far the conversation has come.
type state uint8

const (
	fresh state = iota
	ready
	shut
)

// errExit ends a conversation as agreed.
var errExit = errors.New("exit")

// Serve converses until the editor says so, the input ends, or ctx is done. The error is nil only where the editor has
// asked to shut down first, as the protocol wants.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	s.out, s.in, s.enc = &writer{out: out}, newQueue(), utf16Encoding
	s.docs = map[string]*doc{}
	go func() {
		r := bufio.NewReaderSize(in, 64<<10)
		for {
			m, err := read(r)
			s.in.put(incoming{m, err})
			if err != nil && !errors.As(err, new(*badMessage)) {
				return
			}
		}
	}()
	for {
		next, canceled, ok := s.in.take()
		if ok {
			if err := s.handle(next, canceled); err != nil {
				return s.ended(err)
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.in.wake:
		case <-s.timer:
			s.timer = nil
			s.check()
		}
	}
}

// ended says whether the end of a conversation was a good one.
func (s *Server) ended(err error) error {
	if err := s.out.failed(); err != nil {
		return err
	}
	switch {
	case s.state == shut:
		return nil
	case errors.Is(err, errExit):
		return errors.New("the editor left without shutting down")
	case errors.Is(err, io.EOF):
		return errors.New("the input ended without a shutdown")
	}
	return fmt.Errorf("reading a message: %w", err)
}

// handle takes one message in. An error ends the conversation.
func (s *Server) handle(in incoming, canceled bool) error {
	var mistake *badMessage
	switch {
	case errors.As(in.err, &mistake):
		s.out.write(&message{ID: json.RawMessage("null"), Error: &rpcError{mistake.code, mistake.text}})
		return s.out.failed()
	case in.err != nil:
		return in.err
	}
	m := in.m
	switch {
	case m.Method == "exit":
		return errExit
	case m.Method == "":
		return nil // an answer to a request of ours
	case canceled:
		s.answer(m, nil, &rpcError{codeCanceled, "canceled"})
		return s.out.failed()
	}
	result, err := s.call(m)
	if m.request() {
		s.answer(m, result, err)
	} else if err != nil && s.Log != nil {
		s.Log(fmt.Sprintf("%s: %v", m.Method, err))
	}
	return s.out.failed()
}

func (s *Server) answer(m *message, result any, err error) {
	out := &message{ID: m.ID}
	if err == nil {
		out.Result, err = json.Marshal(result)
	}
	if err != nil {
		var known *rpcError
		if !errors.As(err, &known) {
			known = &rpcError{codeFailed, err.Error()}
		}
		out.Result, out.Error = nil, known
	}
	s.out.write(out)
}

// call carries a request out. A panic is a mistake of ours; it costs this answer and not the editor's session.
func (s *Server) call(m *message) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			if s.Log != nil {
				s.Log(fmt.Sprintf("%s: %v\n%s", m.Method, p, debug.Stack()))
			}
			result, err = nil, &rpcError{codeInternal, fmt.Sprintf("%s failed: %v", m.Method, p)}
		}
	}()
	switch {
	case s.state == fresh && m.Method != "initialize":
		return nil, &rpcError{codeNotInitialized, "the conversation begins with initialize"}
	case s.state == shut:
		return nil, &rpcError{codeInvalidRequest, "the server is shut down"}
	}
	h := s.handler(m.Method)
	if h == nil {
		if strings.HasPrefix(m.Method, "$/") && !m.request() {
			return nil, nil
		}
		return nil, &rpcError{codeNoMethod, fmt.Sprintf("there is no method %q", m.Method)}
	}
	return h(m.Params)
}

// handler returns what answers a method; nil where nothing does.
func (s *Server) handler(method string) func(json.RawMessage) (any, error) {
	switch method {
	case "initialize":
		return with(s.initialize)
	case "initialized":
		return with(s.initialized)
	case "shutdown":
		return func(json.RawMessage) (any, error) {
			s.state = shut
			return nil, nil
		}
	case "textDocument/didOpen":
		return with(func(p documentParams) (any, error) { return nil, s.open(p.TextDocument) })
	case "textDocument/didChange":
		return with(func(p changeParams) (any, error) { return nil, s.change(p) })
	case "textDocument/didClose":
		return with(func(p documentParams) (any, error) { return nil, s.close(p.TextDocument.URI) })
	case "textDocument/didSave", "textDocument/willSave", "workspace/didChangeConfiguration", "$/setTrace":
		return func(json.RawMessage) (any, error) { return nil, nil }
	case "workspace/didChangeWatchedFiles":
		return with(s.watched)
	case "workspace/didChangeWorkspaceFolders":
		return with(s.foldersChanged)
	}
	return s.feature(method)
}

// with makes a handler of a function that takes decoded parameters.
func with[P any](f func(P) (any, error)) func(json.RawMessage) (any, error) {
	return func(raw json.RawMessage) (any, error) {
		var p P
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &p); err != nil {
				return nil, &rpcError{codeInvalidParams, err.Error()}
			}
		}
		return f(p)
	}
}

func (s *Server) initialize(p initializeParams) (any, error) {
	if s.state != fresh {
		return nil, &rpcError{codeInvalidRequest, "the conversation has begun already"}
	}
	s.state, s.client = ready, p
	if slices.Contains(p.Capabilities.General.PositionEncodings, utf8Encoding) {
		s.enc = utf8Encoding
	}
	for _, f := range p.Folders {
		s.addFolder(f.URI)
	}
	if len(s.folders) == 0 {
		s.addFolder(p.RootURI)
	}
	if len(s.folders) == 0 && p.RootPath != "" {
		s.addFolder(uriOf(strings.ReplaceAll(p.RootPath, `\`, "/")))
	}
	return map[string]any{
		"serverInfo":   map[string]string{"name": "flowrun", "version": s.Version},
		"capabilities": s.capabilities(),
	}, nil
}

func (s *Server) addFolder(uri string) {
	if dir, ok := pathOf(uri); ok && !slices.Contains(s.folders, dir) {
		s.folders = append(s.folders, dir)
		slices.SortFunc(s.folders, func(a, b string) int { return len(b) - len(a) })
	}
}

// initialized asks the editor to tell of files that change on disk, and looks at what was opened.
func (s *Server) initialized(struct{}) (any, error) {
	if s.client.Capabilities.Workspace.WatchedFiles.Dynamic {
		s.ask("client/registerCapability", map[string]any{"registrations": []any{map[string]any{
			"id": "recipes", "method": "workspace/didChangeWatchedFiles",
			"registerOptions": map[string]any{"watchers": []any{map[string]string{"globPattern": "**/*.{hcl,json}"}}},
		}}})
	}
	for _, dir := range s.folders {
		if s.has(dir) {
			s.projectOf(dir + "/.")
		}
	}
	return nil, nil
}

// ask sends a request of ours; its answer is not looked at.
func (s *Server) ask(method string, params any) {
	s.requests++
	s.send(json.RawMessage(fmt.Sprintf("%q", fmt.Sprintf("flowrun-%d", s.requests))), method, params)
}

func (s *Server) send(id json.RawMessage, method string, params any) {
	raw, err := json.Marshal(params)
	if err != nil {
		return // our own types
	}
	s.out.write(&message{ID: id, Method: method, Params: raw})
}

func (s *Server) watched(p watchedParams) (any, error) {
	for _, c := range p.Changes {
		if file, ok := pathOf(c.URI); ok {
			s.reread(file)
		}
	}
	return nil, nil
}

func (s *Server) foldersChanged(p foldersParams) (any, error) {
	for _, f := range p.Event.Removed {
		dir, _ := pathOf(f.URI)
		s.folders = slices.DeleteFunc(s.folders, func(d string) bool { return d == dir })
	}
	for _, f := range p.Event.Added {
		s.addFolder(f.URI)
	}
	s.regroup()
	return nil, nil
}
