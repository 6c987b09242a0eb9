package stripe

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

// A known answer that comes from neither our code nor Stripe's:
//
//	printf '1533204620.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
const (
	knownSecret = "whsec_test"
	knownBody   = `{"id":"evt_1"}`
	knownTime   = 1533204620
	knownMAC    = "15c11ef14eb7f0772fdab75361a67b6e577af90b232fb8336c50ee03c8936f09"
)

func header(value string) http.Header { return http.Header{signatureHeader: {value}} }

func hexMAC(body, secret, timestamp string) string {
	mac := sign([]byte(body), secret, timestamp)
	return hex.EncodeToString(mac[:])
}

func TestKnownAnswer(t *testing.T) {
	const want = knownMAC
	if got := hexMAC(knownBody, knownSecret, strconv.Itoa(knownTime)); got != want {
		t.Fatalf("signature %s, want %s", got, want)
	}
	h := signHeaders([]byte(knownBody), knownSecret, time.Unix(knownTime, 0))
	if got := h.Get(signatureHeader); got != "t=1533204620,v1="+want {
		t.Errorf("header %s", got)
	}
	if err := verify(h, []byte(knownBody), []string{knownSecret}, time.Unix(knownTime, 0)); err != nil {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	now := time.Unix(knownTime, 0)
	good := hexMAC(knownBody, knownSecret, "1533204620")
	old := hexMAC(knownBody, "whsec_old", "1533204620")
	bad := strings.Repeat("0", 64)
	at := func(seconds int) string {
		t := strconv.Itoa(knownTime + seconds)
		return "t=" + t + ",v1=" + hexMAC(knownBody, knownSecret, t)
	}
	many := strings.Repeat(",v1="+bad, maxSignatures)
	for _, tt := range []struct {
		name   string
		header http.Header
		want   error
	}{
		{"good", header("t=1533204620,v1=" + good), nil},
		{"upper case", header("t=1533204620,v1=" + strings.ToUpper(good)), nil},
		{"signature first", header("v1=" + good + ",t=1533204620"), nil},
		{"with v0", header("t=1533204620,v1=" + good + ",v0=" + bad), nil},
		{"a bad one before", header("t=1533204620,v1=" + bad + ",v1=" + good), nil},
		{"a bad one after", header("t=1533204620,v1=" + good + ",v1=" + bad), nil},
		{"one that is no hex", header("t=1533204620,v1=potato,v1=" + good), nil},
		{"rolled secret", header("t=1533204620,v1=" + old + ",v1=" + good), nil},
		{"five minutes old", header(at(-300)), nil},
		{"a minute ahead", header(at(60)), nil},

		{"none", http.Header{}, errNotSigned},
		{"empty", header(""), errNotSigned},
		{"two headers", http.Header{signatureHeader: {"t=1533204620,v1=" + good, "t=1533204620,v1=" + good}}, errManyHeaders},
		{"no pairs", header("v1,t=1"), errBadHeader},
		{"empty time", header("t=,v1=" + good), errBadHeader},
		{"no time", header("v1=" + good), errBadHeader},
		{"negative time", header("t=-1,v1=" + good), errBadHeader},
		{"signed time", header("t=+1533204620,v1=" + good), errBadHeader},
		{"fractional time", header("t=1533204620.0,v1=" + good), errBadHeader},
		{"time with a zero before", header("t=01533204620,v1=" + good), errBadHeader},
		{"long time", header("t=1533204620000,v1=" + good), errBadHeader},
		{"two times", header("t=1533204620,t=1533204620,v1=" + good), errBadHeader},
		{"two equals signs", header("t=1533204620,v1==" + good), errBadHeader},
		{"trailing comma", header("t=1533204620,v1=" + good + ","), errBadHeader},
		{"too long", header("t=1533204620,v1=" + good + ",x=" + strings.Repeat("y", maxHeader)), errBadHeader},
		{"too many signatures", header("t=1533204620" + many + ",v1=" + good), errBadHeader},
		{"too many elements", header("t=1533204620,v1=" + good + strings.Repeat(",a=b", 4*maxSignatures)), errBadHeader},
		{"v0 only", header("t=1533204620,v0=" + good), errNoSignature},
		{"no hex", header("t=1533204620,v1=potato"), errNoSignature},
		{"short", header("t=1533204620,v1=" + good[:62]), errNoSignature},
		{"space before the name", header("t=1533204620, v1=" + good), errNoSignature},
		{"wrong", header("t=1533204620,v1=" + bad), errWrong},
		{"other time", header("t=1533204621,v1=" + good), errWrong},
		{"too old", header(at(-301)), errTooOld},
		{"a day ahead", header(at(86400)), errFromTheFuture},
		{"over a minute ahead", header(at(61)), errFromTheFuture},
		{"old and wrong", header("t=1,v1=" + bad), errWrong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := verify(tt.header, []byte(knownBody), []string{"whsec_new", knownSecret}, now); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	now := time.Unix(knownTime, 0)
	forged := signHeaders([]byte(knownBody), "", now)
	for _, secrets := range [][]string{nil, {""}, {"", ""}} {
		if err := verify(forged, []byte(knownBody), secrets, now); !errors.Is(err, errNoSecret) {
			t.Errorf("secrets %q: %v", secrets, err)
		}
	}
	if err := verify(forged, []byte(knownBody), []string{"", knownSecret}, now); !errors.Is(err, errWrong) {
		t.Errorf("an empty secret among others: %v", err)
	}
	good := signHeaders([]byte(knownBody), knownSecret, now)
	if err := verify(good, []byte(knownBody+" "), []string{knownSecret}, now); !errors.Is(err, errWrong) {
		t.Errorf("another body: %v", err)
	}
	if err := verify(good, []byte(knownBody), []string{knownSecret + " "}, now); !errors.Is(err, errWrong) {
		t.Errorf("another secret: %v", err)
	}
}

// TestSDKAgrees compares with Stripe's own library, both ways: each takes what the other signs.
func TestSDKAgrees(t *testing.T) {
	for i, body := range []string{knownBody, "", "{}", strings.Repeat("x", 100_000), "\xff\x00\n"} {
		at := time.Unix(knownTime+int64(i), 0)
		theirs := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: knownSecret, Timestamp: at})
		if err := verify(header(theirs.Header), []byte(body), []string{knownSecret}, at); err != nil {
			t.Errorf("body %d: Stripe's signature is refused: %v", i, err)
		}
		ours := signHeaders([]byte(body), knownSecret, at).Get(signatureHeader)
		if err := webhook.ValidatePayloadIgnoringTolerance([]byte(body), ours, knownSecret); err != nil {
			t.Errorf("body %d: our signature is refused: %v", i, err)
		}
	}
}

// FuzzSignature checks that no header is taken that Stripe's own library, told to mind no age, would refuse.
func FuzzSignature(f *testing.F) {
	good := hexMAC(knownBody, knownSecret, "1533204620")
	for _, seed := range []string{
		"t=1533204620,v1=" + good, "v1=" + good + ",t=1533204620", "t=1533204620,v1=00,v1=" + good + ",v0=00",
		"t=1533204620,v1=" + good + ",", "t=,v1=" + good, "v1,t=1", "t=01533204620,v1=" + good, "t=1533204620, v1=" + good, "",
	} {
		f.Add(seed, []byte(knownBody))
	}
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		s, err := parseSignature(value)
		if err == nil && (s.timestamp == "" || len(s.signatures) == 0 || len(s.signatures) > maxSignatures) {
			t.Fatalf("header %q was taken with %+v", value, s)
		}
		err = verify(header(value), body, []string{knownSecret}, time.Unix(knownTime, 0))
		if err != nil {
			return
		}
		if err := webhook.ValidatePayloadIgnoringTolerance(body, value, knownSecret); err != nil {
			t.Fatalf("header %q is taken, and Stripe's library says %v", value, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			body := []byte(strings.Repeat("x", size))
			now := time.Unix(knownTime, 0)
			h := signHeaders(body, knownSecret, now)
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := verify(h, body, []string{knownSecret}, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
