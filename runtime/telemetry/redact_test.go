package telemetry

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestRedactorString(t *testing.T) {
	r := &Redactor{}
	r.SetSecrets([]string{"", "abc", "hunter2hunter2", "hunter2hunter2-longer", "p ss/w+rd\"x", "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----"})
	for _, tt := range []struct{ in, want string }{
		{"nothing to hide, 42 events", "nothing to hide, 42 events"},
		{"", ""},

		// known secrets
		{"key hunter2hunter2 refused", "key [redacted] refused"},
		{"hunter2hunter2hunter2hunter2", "[redacted][redacted]"},
		{"hunter2hunter2-longer", "[redacted]"},
		{"x hunter2hunter2-longer", "x [redacted]"},
		{"abc", "[redacted]"},
		{"the abc of it", "the abc of it"},
		{"https://x.test/?k=p+ss%2Fw%2Brd%22x", "https://x.test/?k=[redacted]"},
		{`{"k":"p ss/w+rd\"x"}`, `{"k":"[redacted]"}`},
		{"line: MIIEvQIBADANBgkqhkiG", "line: [redacted]"},

		// e-mail addresses
		{"sent to ada.lovelace+x@mail.example.co.uk today", "sent to [email] today"},
		{`<jörg@müller.example>`, `<[email]>`},
		{"?email=ada%40example.com&x=1", "?email=[email]&x=1"},
		{"@mention and 3 @ 5", "@mention and 3 @ 5"},

		// keys as Stripe writes them
		{"sk_test_51Habcdefgh", "sk_test_[redacted]"},
		{"key=rk_live_51Habcdefgh!", "key=rk_live_[redacted]!"},
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_[redacted]"},
		{"sk_0123456789", "sk_[redacted]"},
		{"risk_score_high", "risk_score_high"},

		// credentials in headers and URLs
		{"Authorization: Bearer abcdef.ghijk", "Authorization: [redacted]"},
		{`"authorization":"Basic c2l0ZTprZXk="`, `"authorization":"[redacted]"`},
		{"map[Authorization:[Basic c2l0ZTprZXk=] Accept:[*/*]]", "map[Authorization:[[redacted]] Accept:[*/*]]"},
		{"sent with bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "sent with bearer [redacted]"},
		{"basic information", "basic information"},
		{"Basic c2l0ZTprZXk=", "Basic [redacted]"},
		{"postgres://flow:s3cr3t@db:5432/x", "postgres://flow:[redacted]@db:5432/x"},
		{"postgres://flow@db:5432/x", "postgres://flow@db:5432/x"},
	} {
		if got := r.String(tt.in); got != tt.want {
			t.Errorf("String(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestNilRedactorKnowsPatterns(t *testing.T) {
	var r *Redactor
	if got := r.String("ada@example.com"); got != "[email]" {
		t.Errorf("got %q", got)
	}
}

func TestSetSecretsReplaces(t *testing.T) {
	r := &Redactor{}
	r.SetSecrets([]string{"the-first-secret"})
	r.SetSecrets([]string{"the-other-secret"})
	if got, want := r.String("the-first-secret the-other-secret"), "the-first-secret [redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriter(t *testing.T) {
	r := &Redactor{}
	r.SetSecrets([]string{"hunter2hunter2"})
	var out bytes.Buffer
	w := r.Writer(&out)
	for _, part := range []string{"one hunter2", "hunter2 two\nthree ", "four\nrest"} {
		if n, err := io.WriteString(w, part); err != nil || n != len(part) {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if got, want := out.String(), "one [redacted] two\nthree four\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := io.WriteString(w, strings.Repeat("x", maxLine)); err != nil {
		t.Fatal(err)
	}
	if out.Len() < maxLine {
		t.Errorf("a line without an end is held back: %d bytes written", out.Len())
	}
}

func TestWriterFails(t *testing.T) {
	w := (*Redactor)(nil).Writer(brokenWriter{})
	if _, err := io.WriteString(w, "x\n"); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// FuzzRedactor looks for a text around a secret from which it isn't taken out.
func FuzzRedactor(f *testing.F) {
	const secret = "Zq7-kP2xWv9"
	r := &Redactor{}
	r.SetSecrets([]string{secret})
	for _, s := range []string{"", "Authorization: Bearer ", "sk_live_", "ada@", "://u:", "{\"k\":\"", "\xff\x00", "basic ", "Zq7-"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if got := r.String(before + secret + after); strings.Contains(got, secret) && !strings.Contains(before+after, secret) {
			t.Errorf("the secret is left in %q", got)
		}
	})
}
