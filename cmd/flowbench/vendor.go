package main

// The soak's vendor is Customer.io on a bad day. It keeps what it took by the key that came with it, as the real one
// does, so that at the end each effect can be held against what was sent; and it remembers where it withheld an answer,
// which is the only reason for which something may come twice.

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// fault is what the vendor does with a call instead of taking it and answering. The zero fault is none.
type fault int

const (
	_             fault = iota
	failing             // 503, and nothing is taken
	limiting            // 429 with Retry-After, and nothing is taken
	cutBefore           // the connection is cut and nothing is taken
	cutAfter            // it is taken, and the connection is cut before the answer
	answeringLate       // it is taken and answered after two seconds
	stalling            // it is taken, and the answer never comes
)

var faultNames = [...]string{"none", "503", "429", "cut before it was taken", "cut after it was taken", "answered late", "never answered"}

// effect is what the vendor holds of one thing that a recipe wanted of it.
type effect struct {
	keys  []string // with which it came, each once
	taken int      // how often
	lost  int      // how often it was taken and the answer was withheld
}

type vendor struct {
	mu      sync.Mutex
	effects map[string]*effect // by name and event
	faults  [len(faultNames)]int
	calls   int
	refused int
	down    bool // every call fails
	rand    *rand.Rand

	srv *http.Server
	url string
}

func startVendor(seed uint64) (*vendor, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &vendor{effects: map[string]*effect{}, rand: rand.New(rand.NewPCG(seed, 0)), url: "http://" + ln.Addr().String()}
	v.srv = &http.Server{Handler: v}
	go v.srv.Serve(ln)
	return v, nil
}

func (v *vendor) setDown(down bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down = down
}

// draw chooses a fault: one call in seventeen has one, or each while the vendor is down.
func (v *vendor) draw() fault {
	if v.down {
		return [...]fault{failing, cutBefore}[v.rand.IntN(2)]
	}
	switch n := v.rand.IntN(1000); {
	case n < 20:
		return failing
	case n < 25:
		return limiting
	case n < 35:
		return cutBefore
	case n < 45:
		return cutAfter
	case n < 55:
		return answeringLate
	case n < 59:
		return stalling
	}
	return 0
}

// ServeHTTP takes an event or a message.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var body struct {
		ID, Name    string
		Data        map[string]any
		MessageData map[string]any `json:"message_data"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/v1/send/") {
		body.Name, body.Data = "mail", body.MessageData
	}
	event, _ := body.Data["event"].(string)
	v.mu.Lock()
	v.calls++
	if body.Name == "refused" {
		v.refused++
		v.mu.Unlock()
		http.Error(w, `{"meta":{"error":"no such thing"}}`, http.StatusBadRequest)
		return
	}
	f := v.draw()
	v.faults[f]++
	var took *effect
	if f != failing && f != limiting && f != cutBefore {
		took = v.take(body.Name+" "+event, body.ID)
		if f == cutAfter || f == stalling {
			took.lost++
		}
	}
	v.mu.Unlock()
	switch f {
	case failing:
		http.Error(w, "{}", http.StatusServiceUnavailable)
		return
	case limiting:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "{}", http.StatusTooManyRequests)
		return
	case cutBefore, cutAfter:
		cut(w)
		return
	case answeringLate:
		if sleep(r.Context(), 2*time.Second) != nil { // nobody waits for the answer any more
			v.mu.Lock()
			took.lost++
			v.mu.Unlock()
			return
		}
	case stalling:
		<-r.Context().Done()
		return
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	io.WriteString(w, `{"delivery_id":"dgOq6QUAAX1Bq0Fv","queued_at":1750000000}`)
}

func (v *vendor) take(what, key string) *effect {
	e := v.effects[what]
	if e == nil {
		e = &effect{}
		v.effects[what] = e
	}
	e.taken++
	if !slices.Contains(e.keys, key) {
		e.keys = append(e.keys, key)
	}
	return e
}

// cut ends the connection without an answer, as a reset.
func cut(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}
