package ingress

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// dial starts the handler on a real connection: what matters here is what arrives byte by byte.
func dial(t *testing.T, f *fixture) (net.Conn, *bufio.Reader) {
	t.Helper()
	s := httptest.NewUnstartedServer(f.Handler)
	s.Config = NewServer("", f.Handler)
	s.Start()
	t.Cleanup(s.Close)
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, bufio.NewReader(c)
}

func send(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, r *bufio.Reader) (int, string, *http.Response) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text(t, resp), resp
}

func head(length int, extra string) string {
	return fmt.Sprintf("POST /webhooks/main HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n", length, extra)
}

func TestPipelined(t *testing.T) {
	f := newFixture(nil)
	c, r := dial(t, f)
	var all strings.Builder
	for i := range 3 {
		body := fmt.Sprintf(`{"id": "evt_%d", "type": "x"}`, i)
		all.WriteString(head(len(body), "X-Signature: "+sign([]byte(body))+"\r\n") + body)
	}
	send(t, c, all.String())
	for i := range 3 {
		if status, body, _ := receive(t, r); status != 200 {
			t.Fatalf("request %d is answered %d %s", i, status, body)
		}
	}
	if len(f.events) != 3 {
		t.Errorf("%d events stored", len(f.events))
	}
}

func TestChunked(t *testing.T) {
	f := newFixture(nil)
	c, r := dial(t, f)
	send(t, c, "POST /webhooks/main HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-Signature: "+sign([]byte(good))+"\r\n\r\n")
	for i := range len(good) {
		send(t, c, "1\r\n"+good[i:i+1]+"\r\n")
	}
	send(t, c, "0\r\n\r\n")
	if status, body, _ := receive(t, r); status != 200 || string(f.events[0].Payload) != good {
		t.Errorf("answers %d %s", status, body)
	}
}

func TestSlowBody(t *testing.T) {
	f := newFixture(func(c *Config) { c.BodyTimeout = time.Millisecond })
	c, r := dial(t, f)
	send(t, c, head(100, "")+"{")
	status, body, resp := receive(t, r)
	if status != http.StatusRequestTimeout || !resp.Close {
		t.Errorf("answers %d %s, close %v", status, body, resp.Close)
	}
}

func TestTooLargeIsNotRead(t *testing.T) {
	f := newFixture(nil)
	c, r := dial(t, f)
	// The client waits for 100 Continue, which must not come.
	send(t, c, head(1<<30, "Expect: 100-continue\r\n"))
	if status, body, resp := receive(t, r); status != 413 || !resp.Close {
		t.Errorf("answers %d %s, close %v", status, body, resp.Close)
	}
}

func TestSmuggling(t *testing.T) {
	f := newFixture(nil)
	for name, header := range map[string]string{
		"two lengths":         "Content-Length: 5\r\nContent-Length: 6\r\n",
		"negative length":     "Content-Length: -1\r\n",
		"unknown encoding":    "Transfer-Encoding: gzip, chunked\r\n",
		"header over the cap": "X-Long: " + strings.Repeat("x", 64<<10) + "\r\n",
	} {
		c, r := dial(t, f)
		send(t, c, "POST /webhooks/main HTTP/1.1\r\nHost: x\r\n"+header+"\r\n")
		if status, _, _ := receive(t, r); status < 400 || status == 404 {
			t.Errorf("%s: answers %d", name, status)
		}
	}
	if len(f.events) != 0 {
		t.Error("an event was stored")
	}
}

func TestServerHasTimeouts(t *testing.T) {
	s := NewServer("127.0.0.1:0", http.NotFoundHandler())
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 10*time.Second || s.IdleTimeout != 120*time.Second ||
		s.MaxHeaderBytes != 16<<10 || s.WriteTimeout == 0 {
		t.Errorf("%+v", s)
	}
}
