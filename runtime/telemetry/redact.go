package telemetry

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	redacted = "[redacted]"
	anEmail  = "[email]"

	// minInText is the shortest secret that is replaced inside a text: "test" as a password must not make every log
	// line unreadable.
	minInText = 6

	// maxLine is how much of a line Writer holds back.
	maxLine = 64 << 10
)

// Redactor takes secrets and personal data out of what is printed. Two nets: the values that are known to be secret,
// exactly; and patterns of what must not be printed even where nobody said that it is secret (e-mail addresses, keys as
// Stripe writes them, Authorization headers, passwords in URLs). The zero Redactor knows the patterns only; a nil one
// too. It is safe for concurrent use.
type Redactor struct {
	known atomic.Pointer[secrets]
}

type secrets struct {
	exact  map[string]bool
	inText *strings.Replacer // nil where there is none
}

// SetSecrets replaces the values that are known to be secret.
func (r *Redactor) SetSecrets(values []string) {
	s := &secrets{exact: map[string]bool{}}
	inText := map[string]bool{}
	for _, v := range values {
		if v == "" {
			continue
		}
		s.exact[v] = true
		for _, form := range forms(v) {
			if len(form) >= minInText {
				inText[form] = true
			}
		}
	}
	if len(inText) > 0 {
		long := make([]string, 0, len(inText))
		for v := range inText {
			long = append(long, v)
		}
		// Of two secrets that begin alike the longer one must win, or its end would stay.
		slices.SortFunc(long, func(a, b string) int {
			if d := len(b) - len(a); d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		pairs := make([]string, 0, 2*len(long))
		for _, v := range long {
			pairs = append(pairs, v, redacted)
		}
		s.inText = strings.NewReplacer(pairs...)
	}
	r.known.Store(s)
}

// forms returns the spellings in which a secret gets into a text: itself, as part of a URL, quoted, and, where it has
// several lines, each line of some length, since output is cut into lines.
func forms(v string) []string {
	out := []string{v, url.QueryEscape(v), url.PathEscape(v)}
	if q, err := json.Marshal(v); err == nil {
		out = append(out, string(q[1:len(q)-1]))
	}
	if q := fmt.Sprintf("%q", v); len(q) > 2 {
		out = append(out, q[1:len(q)-1])
	}
	if strings.ContainsAny(v, "\r\n") {
		for line := range strings.Lines(v) {
			if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
				out = append(out, line)
			}
		}
	}
	return out
}

// String returns s without what must not be printed.
func (r *Redactor) String(s string) string {
	if r != nil {
		if k := r.known.Load(); k != nil {
			if k.exact[s] {
				return redacted
			}
			if k.inText != nil {
				s = k.inText.Replace(s)
			}
		}
	}
	return patterns(s)
}

var (
	emailPattern  = regexp.MustCompile(`[\p{L}\p{N}.!#$%'*+^_~-]+(?:@|%40)[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?)+`)
	keyPattern    = regexp.MustCompile(`((?:sk|rk)_(?:live|test)_|whsec_|\b(?:sk|rk)_)[A-Za-z0-9+/=_-]{6,}`)
	headerPattern = regexp.MustCompile(`(?i)\b((?:proxy-)?authorization["']?\s*[:=]\s*["'\[]*)(?:(bearer|basic|token|digest)\s+)?[^\s"',;\]]+`)
	schemePattern = regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)([A-Za-z0-9._~+/=-]{8,})`)
	userinfo      = regexp.MustCompile(`(://[^/\s:@"']*:)[^/\s@"']+@`)
)

// patterns looks for a byte that each pattern needs before it runs it: most lines have none.
func patterns(s string) string {
	if strings.Contains(s, "://") && strings.Contains(s, "@") {
		s = userinfo.ReplaceAllString(s, "${1}"+redacted+"@")
	}
	if strings.Contains(s, "@") || strings.Contains(s, "%40") {
		s = emailPattern.ReplaceAllString(s, anEmail)
	}
	if strings.Contains(s, "sk_") || strings.Contains(s, "rk_") || strings.Contains(s, "whsec_") {
		s = keyPattern.ReplaceAllString(s, "${1}"+redacted)
	}
	if containsFold(s, "authorization") {
		s = headerPattern.ReplaceAllString(s, "${1}"+redacted)
	}
	if containsFold(s, "bearer") || containsFold(s, "basic") {
		s = schemePattern.ReplaceAllStringFunc(s, func(m string) string {
			p := schemePattern.FindStringSubmatch(m)
			// "basic information" is prose: a credential has a digit, a sign or both cases, or is long.
			if len(p[3]) < 24 && !strings.ContainsAny(p[3], "0123456789=+/_") && (strings.ToLower(p[3]) == p[3] || strings.ToUpper(p[3]) == p[3]) {
				return m
			}
			return p[1] + p[2] + redacted
		})
	}
	return s
}

// containsFold reports whether s has the lower-case ASCII word in any case.
func containsFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// value returns v as something that is safe to print: a string, a number, a bool, a time, or redacted JSON.
func (r *Redactor) value(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(r.String(v.String()))
	case slog.KindGroup:
		group := v.Group()
		out := make([]slog.Attr, len(group))
		for i, a := range group {
			out[i] = slog.Attr{Key: r.String(a.Key), Value: r.value(a.Value)}
		}
		return slog.GroupValue(out...)
	case slog.KindAny:
		return r.any(v.Any())
	}
	return v
}

func (r *Redactor) any(v any) (out slog.Value) {
	// A method of a nil pointer may panic; a log line must not take the process down.
	defer func() {
		if p := recover(); p != nil {
			out = slog.StringValue(r.String(fmt.Sprintf("%T: %v", v, p)))
		}
	}()
	switch x := v.(type) {
	case nil:
		return slog.AnyValue(nil)
	case slog.Level:
		return slog.StringValue(x.String())
	case error:
		return slog.StringValue(r.String(x.Error()))
	case []byte:
		return slog.StringValue(r.String(string(x)))
	case json.Marshaler:
		return r.json(v)
	case fmt.Stringer:
		return slog.StringValue(r.String(x.String()))
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return slog.StringValue(r.String(err.Error()))
		}
		return slog.StringValue(r.String(string(text)))
	}
	return r.json(v)
}

// json redacts every string of a structure, keys included.
func (r *Redactor) json(v any) slog.Value {
	raw, err := json.Marshal(v)
	if err != nil {
		return slog.StringValue(r.String(fmt.Sprintf("%+v", v)))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return slog.StringValue(r.String(string(raw)))
	}
	switch t := r.tree(tree).(type) {
	case string:
		return slog.StringValue(t)
	case map[string]any, []any:
		clean, err := json.Marshal(t)
		if err != nil {
			return slog.StringValue(redacted)
		}
		return slog.AnyValue(json.RawMessage(clean))
	default:
		return slog.AnyValue(t)
	}
}

func (r *Redactor) tree(v any) any {
	switch t := v.(type) {
	case string:
		return r.String(t)
	case []any:
		for i := range t {
			t[i] = r.tree(t[i])
		}
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, e := range t {
			out[r.String(k)] = r.tree(e)
		}
		return out
	}
	return v
}

// Writer returns a writer that passes whole lines on to w, redacted: for what prints by itself, such as a panic or
// net/http's error log. A line of more than 64 KiB is passed on in pieces. If w's writer is also an io.Closer, closing
// is the caller's.
func (r *Redactor) Writer(w io.Writer) io.Writer { return &lineWriter{r: r, w: w} }

type lineWriter struct {
	mu  sync.Mutex
	r   *Redactor
	w   io.Writer
	buf []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	end := bytes.LastIndexByte(l.buf, '\n') + 1
	if end == 0 {
		if len(l.buf) < maxLine {
			return len(p), nil
		}
		end = len(l.buf)
	}
	out := l.r.String(string(l.buf[:end]))
	l.buf = append(l.buf[:0], l.buf[end:]...)
	if _, err := io.WriteString(l.w, out); err != nil {
		return 0, fmt.Errorf("writing a redacted line: %w", err)
	}
	return len(p), nil
}
