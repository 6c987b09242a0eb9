package main

// The promise of the whole machine: what was answered 200 has its effect, whatever the process dies of, and no effect
// happens twice. A server is killed again and again, at random moments and at the places where it matters most, while a
// vendor sends events and repeats what was not acknowledged; then the log of the other vendor is compared with what was
// acknowledged.

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/sqlite"
)

var (
	crashKills = flag.Int("crash.kills", 30, "how often TestCrash kills the server")
	crashSeed  = flag.Uint64("crash.seed", 1, "where TestCrash's dice begin")
)

// crashPoints are the places at which tests end the process.
var crashPoints = []string{
	"before-accept-commit", "after-accept-commit", "before-record-commit", "after-record-commit",
	"before-run-recorded", "after-run-recorded", "after-intent", "before-call", "after-call",
}

const senders = 8

var crashRecipes = map[string]string{
	"track.hcl": `
trigger "stripe_charge_failed" {}

filter "large charges of known customers" {
  condition = trigger.amount >= 5000 && trigger.customer != null
}

action "customerio_track" {
  id   = trigger.customer
  name = "payment_failed"
}
`,
	"mail.hcl": `
trigger "stripe_charge_failed" {}

filter "large charges with an address" {
  condition = trigger.amount >= 5000 && trigger.receipt_email != null
}

action "customerio_send_email" {
  to                       = trigger.receipt_email
  identifiers              = { email = trigger.receipt_email }
  transactional_message_id = "dunning"
}
`,
}

// vendor sends events until it is told to stop.
type vendor struct {
	site *site
	mu   sync.Mutex
	next int
	sent map[string]int // customer → amount, of what was acknowledged
	up   chan struct{}  // closed while the server is up
	acks chan struct{}  // one for each acknowledgement, as long as somebody looks
}

func (v *vendor) setUp(up bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if up {
		close(v.up)
	} else {
		v.up = make(chan struct{})
	}
}

func (v *vendor) whenUp(ctx context.Context) bool {
	v.mu.Lock()
	up := v.up
	v.mu.Unlock()
	select {
	case <-up:
		return true
	case <-ctx.Done():
		return false
	}
}

// send sends one event after the other; one that was not acknowledged is sent again, as a vendor does.
func (v *vendor) send(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: patience}
	for {
		v.mu.Lock()
		v.next++
		n := v.next
		v.mu.Unlock()
		id, customer, amount := fmt.Sprintf("evt_crash%06d", n), fmt.Sprintf("cus_crash%06d", n), 9000
		if n%5 == 0 {
			amount = 100
		}
		body := v.site.event(id, customer, amount)
		for {
			if !v.whenUp(ctx) {
				return
			}
			// An answer that is lost with the process is no acknowledgement, although the event may be stored.
			if status, _ := v.site.post(context.Background(), client, body, v.site.secret); status == http.StatusOK {
				break
			}
			client.CloseIdleConnections()
		}
		v.mu.Lock()
		v.sent[customer] = amount
		v.mu.Unlock()
		select {
		case v.acks <- struct{}{}:
		default:
		}
	}
}

func TestCrash(t *testing.T) {
	s := newSite(t, crashRecipes)
	dice := rand.New(rand.NewPCG(*crashSeed, 0))
	v := &vendor{site: s, sent: map[string]int{}, up: make(chan struct{}), acks: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() { v.send(ctx) })
	}

	kills := 0
	for kills < *crashKills {
		var env []string
		point := ""
		if kills%2 == 0 {
			point = crashPoints[kills/2%len(crashPoints)]
			env = []string{fmt.Sprintf("FLOWRUN_TEST_CRASH=%s:%d", point, 1+dice.IntN(8))}
		}
		p := s.serve(env)
		if _, _, err := p.ready(); err != nil {
			if point == "" || !p.ended() || p.code == exitUsage || p.code == exitProblems {
				t.Fatalf("start %d (%s): %v", kills, point, err)
			}
			kills++ // it took up what the last one left, and met the point before it was ready
			continue
		}
		v.setUp(true)
		if point == "" {
			for range dice.IntN(20) {
				select {
				case <-v.acks:
				case <-p.done:
					t.Fatalf("the server ended by itself\n%s%s", p.out, p.err)
				case <-time.After(patience):
					t.Fatalf("no event is acknowledged\n%s%s", p.out, p.err)
				}
			}
			if err := p.signal(os.Kill); err != nil {
				t.Fatal(err)
			}
		}
		v.setDownWhen(p)
		if err := p.wait(); err != nil {
			t.Fatalf("kill %d at %q: %v", kills, point, err)
		}
		kills++
	}

	p := s.serve(nil)
	if _, _, err := p.ready(); err != nil {
		t.Fatal(err)
	}
	cancel() // nobody sends any more
	v.setUp(true)
	sending.Wait()
	s.settle(p)
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil || p.code != exitOK {
		t.Fatalf("it ended with %d, %v\n%s", p.code, err, p.err)
	}
	s.audit(v, kills)
}

// setDownWhen marks the server as down when it has ended.
func (v *vendor) setDownWhen(p *process) {
	<-p.done
	v.setUp(false)
}

// settle waits until nothing is left to do.
func (s *site) settle(p *process) { s.settleWith(p, "") }

func (s *site) settleWith(p *process, token string) {
	s.t.Helper()
	client := control.NewClient("http://"+s.control, token)
	deadline := time.Now().Add(patience)
	for {
		st, err := client.Status(s.t.Context())
		if err != nil {
			s.t.Fatalf("%v\n%s", err, p.err)
		}
		c := st.StoreCounts
		if c.Undecided == 0 && c.Runs["running"] == 0 && c.Runs["waiting"] == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("it does not come to an end: %+v\n%s", c, p.err)
		}
	}
}

// audit compares what was acknowledged with what happened.
func (s *site) audit(v *vendor, kills int) {
	t := s.t
	t.Helper()
	ids := map[string]string{} // customer → the id of its event at Customer.io
	calls := 0
	for _, c := range s.fake.Calls() {
		customer, ok := strings.CutPrefix(c.Path, "/api/v1/customers/")
		if !ok {
			continue
		}
		customer = strings.TrimSuffix(customer, "/events")
		var body struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(c.Raw, &body); err != nil {
			t.Fatalf("a call that is not JSON: %s", c.Raw)
		}
		calls++
		if before, ok := ids[customer]; ok && before != body.ID {
			t.Errorf("%s: repeated with another key: %s, then %s", customer, before, body.ID)
		}
		ids[customer] = body.ID
	}
	effects := map[string]int{}
	for _, e := range s.fake.Events() {
		effects[e.Identifier]++
	}
	mails := map[string]int{}
	for _, m := range s.fake.Emails() {
		to, _ := m.Body["to"].(string)
		mails[strings.TrimSuffix(to, "@example.com")]++
	}

	ctx := context.Background()
	store, err := sqlite.Open(ctx, s.store(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Check(ctx); err != nil {
		t.Errorf("the store is damaged: %v", err)
	}
	unknown := 0
	for customer, amount := range v.sent {
		wanted := 1
		if amount < 5000 {
			wanted = 0
		}
		if got := effects[customer]; got != wanted {
			t.Errorf("%s (amount %d) was acknowledged and has %d effects, want %d", customer, amount, got, wanted)
		}
		switch got := mails[customer]; {
		case got > 1:
			t.Errorf("%s got %d e-mails", customer, got)
		case got > wanted:
			t.Errorf("%s got an e-mail that a filter should have stopped", customer)
		case got < wanted:
			// The intent was written and the process died before its answer was: only that may be the reason.
			if !s.outcomeUnknown(store, customer) {
				t.Errorf("%s was acknowledged, got no e-mail, and no run says that its outcome is unknown", customer)
			}
			unknown++
		}
	}
	for customer, n := range effects {
		if n > 1 {
			t.Errorf("%s was tracked %d times", customer, n)
		}
	}
	for customer, n := range mails {
		if n > 1 {
			t.Errorf("%s got %d e-mails", customer, n)
		}
	}
	if len(v.sent) == 0 || len(effects) == 0 {
		t.Errorf("nothing happened: %d acknowledged, %d effects", len(v.sent), len(effects))
	}
	t.Logf("%d kills, %d events acknowledged, %d tracked, %d calls repeated with the same key, %d e-mails, %d e-mails not sent since their outcome is unknown",
		kills, len(v.sent), len(effects), calls-len(ids), len(s.fake.Emails()), unknown)
}

func (s *site) outcomeUnknown(store runtime.Store, customer string) bool {
	s.t.Helper()
	ctx := context.Background()
	ev, err := store.Event(ctx, "stripe", strings.Replace(customer, "cus_", "evt_", 1))
	if err != nil {
		s.t.Errorf("%s: %v", customer, err)
		return false
	}
	runs, err := store.RunsOf(ctx, ev.Seq)
	if err != nil {
		s.t.Errorf("%s: %v", customer, err)
		return false
	}
	for _, r := range runs {
		if r.Recipe != "mail" {
			continue
		}
		for _, step := range r.Steps {
			if step.Status == runtime.StepUnknown {
				return true
			}
		}
	}
	return false
}
