package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const secret = "correct-horse-battery"

type named string

func (n named) String() string { return "named " + string(n) }

type lazy struct{}

func (lazy) LogValue() slog.Value {
	return slog.GroupValue(slog.String("inner", secret), slog.Any("err", errors.New("with "+secret)))
}

type nested struct {
	Key  string
	List []string
	M    map[string]any
}

type bomb struct{ s *string }

func (b bomb) String() string { return *b.s }

// logAll logs a secret in every way there is.
func logAll(l *slog.Logger) {
	l = l.With("with", secret).WithGroup("g").With("in_group", "x "+secret)
	l.Info("message "+secret,
		"string", secret,
		"error", fmt.Errorf("calling: %w", errors.New("key "+secret)),
		"stringer", named(secret),
		"pointer", &url.URL{Scheme: "https", Host: "x.test", Path: "/" + secret},
		"bytes", []byte(secret),
		"struct", nested{Key: secret, List: []string{"a", secret}, M: map[string]any{secret: secret}},
		"map", map[string]string{"k": secret},
		"lazy", lazy{},
		"raw", json.RawMessage(`{"k":"`+secret+`"}`),
		"func", func() {},
		secret, 1,
		slog.Group("group", slog.String("deep", secret), slog.Group("deeper", slog.Any("err", errors.New(secret)))),
	)
}

func newRedactor() *Redactor {
	r := &Redactor{}
	r.SetSecrets([]string{secret})
	return r
}

func TestNothingLeaks(t *testing.T) {
	for _, format := range []string{FormatText, FormatColor, FormatJSON, "unheard of"} {
		var out bytes.Buffer
		logAll(NewLogger(&out, format, nil, newRedactor()))
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s: the secret is in\n%s", format, out.String())
		}
		if n := strings.Count(out.String(), "redacted]"); n < 17 {
			t.Errorf("%s: only %d values are redacted, something is not logged at all:\n%s", format, n, out.String())
		}
	}
}

func TestJSONLog(t *testing.T) {
	var out bytes.Buffer
	l := NewLogger(&out, FormatJSON, slog.LevelDebug, newRedactor())
	rec := slog.NewRecord(time.Date(2026, 11, 3, 4, 5, 6, 0, time.FixedZone("", 3600)), slog.LevelWarn, "reload refused", 0)
	rec.AddAttrs(slog.Duration("took", 1500*time.Millisecond), slog.Int("recipes", 3), slog.Any("files", []string{"a.hcl", "ada@example.com"}),
		slog.Any("nothing", nil))
	if err := l.Handler().Handle(context.Background(), rec); err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2026-11-03T03:05:06Z","level":"WARN","msg":"reload refused","took":"1.5s","recipes":3,"files":["a.hcl","[email]"],"nothing":null}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTextLog(t *testing.T) {
	var out bytes.Buffer
	h := NewLogger(&out, FormatText, slog.LevelDebug, newRedactor()).Handler()
	at := time.Date(2026, 11, 3, 3, 5, 6, 7e6, time.UTC)
	write := func(h slog.Handler, level slog.Level, message string, attrs ...slog.Attr) {
		t.Helper()
		rec := slog.NewRecord(at, level, message, 0)
		rec.AddAttrs(attrs...)
		if err := h.Handle(context.Background(), rec); err != nil {
			t.Fatal(err)
		}
	}
	write(h, slog.LevelInfo, "serving", slog.Int("recipes", 12), slog.String("listen", ":8080"))
	write(h, slog.LevelInfo, "stopped")
	write(h, slog.LevelError, "a message that is longer than the column it has", slog.String("why", "two words"), slog.String("empty", ""))
	write(h.WithGroup("http").WithAttrs([]slog.Attr{slog.Int("status", 503)}), slog.LevelDebug, "call",
		slog.Group("vendor", slog.String("name", "stripe"), slog.Bool("ok", false)), slog.Group("", slog.Int("inline", 1)), slog.Attr{})
	write(h, slog.LevelWarn, "reload refused", slog.String("file", "a.hcl"),
		slog.String("diagnostics", "Error FR2103: Value may be null\n\n  on a.hcl line 3\n"), slog.Any("list", []string{"a", "b c"}))
	write(h, slog.LevelWarn, "forged\nERROR \x1b[2Jcleared", slog.String("by", "a\r\x1b[31m"), slog.String("kv", "a=b"))
	write(h, slog.LevelInfo, "panicky", slog.Any("bomb", bomb{}), slog.Any("time", at), slog.Any("took", 90*time.Second))

	want := strings.Join([]string{
		`2026-11-03 03:05:06.007 INFO  serving                          recipes=12 listen=:8080`,
		`2026-11-03 03:05:06.007 INFO  stopped`,
		`2026-11-03 03:05:06.007 ERROR a message that is longer than the column it has why="two words" empty=""`,
		`2026-11-03 03:05:06.007 DEBUG call                             http.status=503 http.vendor.name=stripe http.vendor.ok=false http.inline=1`,
		`2026-11-03 03:05:06.007 WARN  reload refused                   file=a.hcl list=["a","b c"]`,
		`    diagnostics:`,
		`      Error FR2103: Value may be null`,
		`      `,
		`        on a.hcl line 3`,
		"2026-11-03 03:05:06.007 WARN  forged                           by=\"a\\r\\x1b[31m\" kv=\"a=b\"",
		"      ERROR \uFFFD[2Jcleared",
		`2026-11-03 03:05:06.007 INFO  panicky                          bomb="telemetry.bomb: runtime error: invalid memory address or nil pointer dereference" time=2026-11-03T03:05:06.007Z took=1m30s`,
	}, "\n") + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLevel(t *testing.T) {
	var out bytes.Buffer
	level := new(slog.LevelVar)
	l := NewLogger(&out, FormatText, level, nil)
	l.Debug("hidden")
	level.Set(slog.LevelDebug)
	l.Debug("shown")
	if got := out.String(); strings.Contains(got, "hidden") || !strings.Contains(got, "shown") {
		t.Errorf("got %q", got)
	}
}

func TestColorIsOnlyAddedToText(t *testing.T) {
	var plain, color bytes.Buffer
	at := time.Date(2026, 11, 3, 3, 5, 6, 0, time.UTC)
	for format, out := range map[string]*bytes.Buffer{FormatText: &plain, FormatColor: &color} {
		rec := slog.NewRecord(at, slog.LevelError, "failed", 0)
		rec.AddAttrs(slog.Int("n", 1))
		if err := NewLogger(out, format, nil, nil).Handler().Handle(context.Background(), rec); err != nil {
			t.Fatal(err)
		}
	}
	got := color.String()
	for _, sgr := range []string{"\x1b[0m", "\x1b[2m", "\x1b[1;31m"} {
		if !strings.Contains(got, sgr) {
			t.Errorf("no %q in %q", sgr, got)
		}
		got = strings.ReplaceAll(got, sgr, "")
	}
	if got != plain.String() {
		t.Errorf("without colours %q, want %q", got, plain.String())
	}
}
