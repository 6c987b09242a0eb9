// Package floor is the smallest hand-written Go program that does flowrun's main job: check a Stripe signature, decode
// the event, put it on disk with one sync per batch, answer 200, and make one Customer.io call where the charge is
// large. It knows one event type, keeps no state, retries nothing and answers no question; it is what a share of speed
// is measured against. It imports nothing of flowrun.
package floor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is what a floor is told.
type Config struct {
	Listen string
	Log    string // the file that events are appended to
	Secret string
	Sink   string // base URL of the Customer.io stand-in
	Call   bool   // make the call; without it only accept
	Calls  int    // at most so many at a time
}

type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Data    struct {
		Object struct {
			Amount   int64   `json:"amount"`
			Currency string  `json:"currency"`
			Customer *string `json:"customer"`
			Reason   *string `json:"failure_message"`
		} `json:"object"`
	} `json:"data"`
}

type write struct {
	body []byte
	done chan error
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	f, err := os.OpenFile(c.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	writes := make(chan write, 1024)
	go appendLoop(f, writes)

	jobs := make(chan event, 4096)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 0}, Timeout: 30 * time.Second}
	for range c.Calls {
		go func() {
			for ev := range jobs {
				if err := track(client, c.Sink, ev); err != nil {
					fmt.Fprintln(os.Stderr, "floor:", err)
				}
			}
		}()
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	mux.HandleFunc("POST /webhooks/stripe", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || !signed(body, r.Header.Get("Stripe-Signature"), c.Secret) {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		var ev event
		if err := json.Unmarshal(body, &ev); err != nil {
			http.Error(w, "bad body", http.StatusBadRequest)
			return
		}
		done := make(chan error, 1)
		writes <- write{body, done}
		if err := <-done; err != nil {
			http.Error(w, "not stored", http.StatusServiceUnavailable)
			return
		}
		if o := &ev.Data.Object; c.Call && ev.Type == "charge.failed" && o.Amount >= 5000 && o.Customer != nil {
			jobs <- ev
		}
		io.WriteString(w, `{"status":"accepted"}`)
	})
	srv := &http.Server{Addr: c.Listen, Handler: mux}
	context.AfterFunc(ctx, func() { srv.Close() })
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// appendLoop writes all that waits, syncs once, and tells all.
func appendLoop(f *os.File, writes <-chan write) {
	var buf bytes.Buffer
	var batch []write
	for first := range writes {
		batch = append(batch[:0], first)
		buf.Reset()
		frame(&buf, first.body)
	gather:
		for len(batch) < 512 {
			select {
			case w := <-writes:
				frame(&buf, w.body)
				batch = append(batch, w)
			default:
				break gather
			}
		}
		_, err := f.Write(buf.Bytes())
		if err == nil {
			err = f.Sync()
		}
		for _, w := range batch {
			w.done <- err
		}
	}
}

func frame(buf *bytes.Buffer, body []byte) {
	var n [4]byte
	binary.LittleEndian.PutUint32(n[:], uint32(len(body)))
	buf.Write(n[:])
	buf.Write(body)
}

func signed(body []byte, header, secret string) bool {
	var t, v1 string
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(part, "=")
		switch k {
		case "t":
			t = v
		case "v1":
			v1 = v
		}
	}
	sec, err := strconv.ParseInt(t, 10, 64)
	if err != nil || time.Since(time.Unix(sec, 0)).Abs() > 5*time.Minute {
		return false
	}
	got, err := hex.DecodeString(v1)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, t)
	io.WriteString(mac, ".")
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

func track(client *http.Client, sink string, ev event) error {
	o := &ev.Data.Object
	reason := "unknown"
	if o.Reason != nil {
		reason = *o.Reason
	}
	body, err := json.Marshal(map[string]any{
		"name":      "payment_failed",
		"id":        ev.ID,
		"timestamp": ev.Created,
		"data":      map[string]any{"amount": o.Amount, "currency": o.Currency, "reason": reason, "event": ev.ID},
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequest("POST", sink+"/api/v1/customers/"+url.PathEscape(*o.Customer)+"/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("site", "key")
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
