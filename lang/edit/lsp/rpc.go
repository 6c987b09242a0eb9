package lsp

// JSON-RPC as editors speak it: a header with the length, an empty line, the message.

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

const (
	maxMessage = 64 << 20 // bytes of one message; a folder of recipes has less
	maxHeader  = 4 << 10  // bytes of one line of a header
)

// message is a request, a notification or an answer.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// request reports whether an answer is expected.
func (m *message) request() bool { return m.Method != "" && len(m.ID) > 0 }

// rpcError is an error as it stands in an answer.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (e *rpcError) Error() string { return e.Message }

// Codes of the protocol.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeNoMethod       = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
	codeNotInitialized = -32002
	codeFailed         = -32803
	codeCanceled       = -32800
)

// badMessage is a message that can't be understood; reading may go on.
type badMessage struct {
	code int
	text string
}

// Error implements error.
func (e *badMessage) Error() string { return e.text }

func bad(code int, format string, args ...any) error {
	return &badMessage{code, fmt.Sprintf(format, args...)}
}

// read returns the next message. An error other than a *badMessage ends the conversation.
func read(r *bufio.Reader) (*message, error) {
	length := -1
	var mistake error
	for {
		line, err := headerLine(r)
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			mistake = bad(codeParse, "the header line %.80q has no colon", line)
			continue
		}
		if !strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			mistake = bad(codeParse, "%.80q is no length", value)
			continue
		}
		length = n
	}
	switch {
	case length < 0 && mistake != nil:
		return nil, mistake
	case length < 0:
		return nil, bad(codeParse, "the header has no Content-Length")
	case length > maxMessage:
		if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
			return nil, err
		}
		return nil, bad(codeInvalidRequest, "a message of %d bytes is too large", length)
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil {
		return nil, err
	}
	if len(body) < length {
		return nil, io.ErrUnexpectedEOF
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		var shape *json.UnmarshalTypeError
		if errors.As(err, &shape) {
			return nil, bad(codeInvalidRequest, "the message is not a request: %v", err)
		}
		return nil, bad(codeParse, "the message is not JSON: %v", err)
	}
	if string(m.ID) == "null" {
		m.ID = nil
	}
	return &m, nil
}

func headerLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line) < maxHeader {
			line = append(line, part...)
		}
		if err == nil {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				return "", io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}

// writer writes whole messages; it is safe for concurrent use.
type writer struct {
	mu  sync.Mutex
	out io.Writer
	err error
}

func (w *writer) write(m *message) {
	m.Version = "2.0"
	body, err := json.Marshal(m)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && w.err == nil {
		_, err = fmt.Fprintf(w.out, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("writing a message: %w", err)
	}
}

func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// queue holds messages that have come and are not handled.
type queue struct {
	mu       sync.Mutex
	list     []incoming
	canceled map[string]bool
	wake     chan struct{} // has one element where there may be something new
}

// incoming is a message, or the reason why there is none.
type incoming struct {
	m   *message
	err error
}

func newQueue() *queue { return &queue{canceled: map[string]bool{}, wake: make(chan struct{}, 1)} }

func (q *queue) put(in incoming) {
	q.mu.Lock()
	if in.m != nil && in.m.Method == "$/cancelRequest" {
		var p struct {
			ID json.RawMessage `json:"id"`
		}
		if json.Unmarshal(in.m.Params, &p) == nil && len(q.canceled) < 1000 && q.waits(p.ID) {
			q.canceled[string(p.ID)] = true
		}
	} else {
		q.list = append(q.list, in)
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// waits reports whether a request of that id is in the queue.
func (q *queue) waits(id json.RawMessage) bool {
	for _, in := range q.list {
		if in.m != nil && in.m.request() && string(in.m.ID) == string(id) {
			return true
		}
	}
	return false
}

// take returns the next message and whether it was canceled; ok is false where there is none.
func (q *queue) take() (in incoming, canceled, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return incoming{}, false, false
	}
	in = q.list[0]
	q.list[0] = incoming{}
	q.list = q.list[1:]
	if in.m != nil && in.m.request() && q.canceled[string(in.m.ID)] {
		delete(q.canceled, string(in.m.ID))
		canceled = true
	}
	return in, canceled, true
}

// pending reports whether something waits to be handled.
func (q *queue) pending() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) > 0
}
