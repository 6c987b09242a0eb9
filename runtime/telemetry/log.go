package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Log formats.
const (
	FormatText  = "text"  // for people
	FormatColor = "color" // the same on a terminal
	FormatJSON  = "json"  // one object a line, for programs
)

// NewLogger returns a logger that writes to w without what r takes out. An unknown format is json: a log that is there
// in the wrong shape beats none.
func NewLogger(w io.Writer, format string, level slog.Leveler, r *Redactor) *slog.Logger {
	if level == nil {
		level = slog.LevelInfo
	}
	if r == nil {
		r = &Redactor{}
	}
	switch format {
	case FormatText, FormatColor:
		return slog.New(&textHandler{out: &output{w: w}, level: level, r: r, color: format == FormatColor})
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
				return slog.Time(a.Key, a.Value.Time().UTC())
			}
			if a.Value.Kind() == slog.KindDuration {
				return slog.String(a.Key, a.Value.Duration().String())
			}
			return slog.Attr{Key: r.String(a.Key), Value: r.value(a.Value)}
		},
	}))
}

// textHandler writes a line a record: the time, the level, the message, and the attributes as key=value, the first three
// in columns. A value of several lines, such as a rendered diagnostic, follows beneath, indented, as it is.
type textHandler struct {
	out    *output
	level  slog.Leveler
	r      *Redactor
	color  bool
	prefix string // of open groups, "a.b."
	attrs  string // those of With, rendered
	blocks string
}

type output struct {
	mu sync.Mutex
	w  io.Writer
}

const (
	timeLayout   = "2006-01-02 15:04:05.000"
	messageWidth = 32
	indent       = "    "
)

func (h *textHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *textHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.prefix += h.r.String(name) + "."
	return &n
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var line, blocks bytes.Buffer
	for _, a := range attrs {
		h.attr(&line, &blocks, h.prefix, a)
	}
	n := *h
	n.attrs += line.String()
	n.blocks += blocks.String()
	return &n
}

func (h *textHandler) Handle(_ context.Context, rec slog.Record) error {
	var attrs, blocks bytes.Buffer
	attrs.WriteString(h.attrs)
	blocks.WriteString(h.blocks)
	rec.Attrs(func(a slog.Attr) bool {
		h.attr(&attrs, &blocks, h.prefix, a)
		return true
	})

	var b bytes.Buffer
	if !rec.Time.IsZero() {
		h.paint(&b, "2", rec.Time.Format(timeLayout))
		b.WriteByte(' ')
	}
	h.paint(&b, levelColor(rec.Level), fmt.Sprintf("%-5s", rec.Level))
	b.WriteByte(' ')
	message, rest, _ := strings.Cut(strings.TrimRight(h.r.String(rec.Message), "\r\n"), "\n")
	message = printable(message)
	b.WriteString(message)
	if attrs.Len() > 0 {
		if pad := messageWidth - utf8.RuneCountInString(message); pad > 0 {
			b.WriteString(strings.Repeat(" ", pad))
		}
		b.Write(attrs.Bytes())
	}
	b.WriteByte('\n')
	if rest != "" {
		block(&b, rest)
	}
	b.Write(blocks.Bytes())

	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	if _, err := h.out.w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing a log line: %w", err)
	}
	return nil
}

// attr renders one attribute, with a space before it, to line; one of several lines goes to blocks.
func (h *textHandler) attr(line, blocks *bytes.Buffer, prefix string, a slog.Attr) {
	v := h.r.value(a.Value)
	if a.Equal(slog.Attr{}) {
		return
	}
	key := prefix + printable(h.r.String(a.Key))
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix = key + "."
		}
		for _, member := range v.Group() {
			h.attr(line, blocks, prefix, member)
		}
		return
	}
	text := render(v)
	if strings.Contains(text, "\n") {
		blocks.WriteString(indent + key + ":\n")
		block(blocks, text)
		return
	}
	line.WriteByte(' ')
	h.paint(line, "2", key+"=")
	line.WriteString(quote(text))
}

func render(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindAny:
		switch x := v.Any().(type) {
		case nil:
			return "null"
		case json.RawMessage:
			return string(x)
		}
	}
	return v.String()
}

// block writes a text of several lines, indented and without what could steer a terminal.
func block(b *bytes.Buffer, text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\r\n") + "\n") {
		b.WriteString(indent + "  " + printable(strings.TrimRight(line, "\r\n")) + "\n")
	}
}

// quote returns text as it is where it is one plain word, and quoted otherwise.
func quote(text string) string {
	if text == "" {
		return `""`
	}
	for _, c := range text {
		if c == '"' || c == '=' || unicode.IsSpace(c) || !unicode.IsPrint(c) || c == utf8.RuneError {
			if text[0] == '{' || text[0] == '[' {
				if json.Valid([]byte(text)) {
					return printable(text)
				}
			}
			return strconv.Quote(text)
		}
	}
	return text
}

// printable replaces control characters, so that what a stranger sent can't forge lines or move the cursor.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || unicode.IsPrint(c) {
			return c
		}
		return '\uFFFD'
	}, s)
}

func levelColor(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "1;31"
	case l >= slog.LevelWarn:
		return "33"
	case l >= slog.LevelInfo:
		return "32"
	}
	return "2"
}

func (h *textHandler) paint(b *bytes.Buffer, sgr, text string) {
	if !h.color {
		b.WriteString(text)
		return
	}
	b.WriteString("\x1b[" + sgr + "m" + text + "\x1b[0m")
}
