package main

// The soak answers what short runs can't: does anything get lost, done twice or kept in memory over a long time with a
// vendor that misbehaves? Every event that was answered with 200 is looked up at the end: it must be decided, the runs
// that its kind leads to must have ended, and what they did must be at the vendor once.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/sqlite"
)

const soakTrack = `action "customerio_track" %[1]q {
  id      = coalesce(trigger.customer, "nobody")
  name    = %[1]q
  timeout = "5s"
  data = {
    event = event.id
  }
}
`

// soakRecipes are the recipes by name. The first three listen to every failed charge, the others to some.
func soakRecipes() map[string]string {
	const failed = "trigger \"stripe_charge_failed\" {}\n"
	some := func(condition string) string {
		return failed + "filter {\n  condition = trigger.customer != null && " + condition + "\n}\n"
	}
	track := func(name string) string { return fmt.Sprintf(soakTrack, name) }
	return map[string]string{
		"plain": some("trigger.amount >= 6000") + track("plain"),
		"inorder": "recipe {\n  concurrency {\n    key   = trigger.customer\n    limit = 1\n  }\n}\n" +
			some("trigger.amount >= 6000") + track("inorder"),
		"later": some("trigger.amount >= 7000") + "wait \"a_while\" {\n  for = \"40s\"\n}\n" + track("later"),
		"paid": some("trigger.amount >= 7000") +
			"wait \"paid\" {\n  event \"stripe_charge_succeeded\" {\n    match = incoming.trigger.customer == trigger.customer\n  }\n  timeout = \"30s\"\n}\n" + track("paid"),
		"mail": some("trigger.amount == 9000") + `action "customerio_send_email" "mail" {
  to                       = "jo@example.com"
  transactional_message_id = "44"
  timeout                  = "5s"
  identifiers = {
    id = trigger.customer
  }
  message_data = {
    event = event.id
  }
}
`,
		"alert": some("trigger.amount == 9000") + track("refused") + "on_error {\n" + track("alert") + "}\n",
	}
}

// soakAmount says what event i is: a failed charge of that amount, or 0 for one that succeeded. Four events make a
// group, with a customer of its own.
func soakAmount(i int64) int64 {
	switch {
	case i%4 == 3:
		return 0
	case i%64 == 0:
		return 9000
	}
	return [...]int64{6000, 7000, 1000}[i%4]
}

// paidAfter is by how many groups the successful charge of a customer comes after the failed ones.
const paidAfter = 250

func soakEvent(b *bytes.Buffer, i int64, id string, at time.Time) {
	group, amount := i/4, soakAmount(i)
	if amount == 0 {
		group -= paidAfter
	}
	var event bytes.Buffer
	writeEvent(&event, id, at, amount)
	text := bytes.Replace(event.Bytes(), []byte("cus_P9hWcXkYq3mZ1a"), fmt.Appendf(nil, "cus_%d", group), 1)
	if amount == 0 {
		text = bytes.Replace(text, []byte(`"type": "charge.failed"`), []byte(`"type": "charge.succeeded"`), 1)
	}
	b.Write(text)
}

// soakWants lists the recipes that run for event i.
func soakWants(i int64) []string {
	switch soakAmount(i) {
	case 6000:
		return []string{"plain", "inorder"}
	case 7000:
		return []string{"plain", "inorder", "later", "paid"}
	case 9000:
		return []string{"plain", "inorder", "later", "paid", "mail", "alert"}
	}
	return nil
}

func (b *bench) soak(ctx context.Context) error {
	dir := filepath.Join(b.dir, "soak")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range soakRecipes() {
		if err := os.WriteFile(filepath.Join(dir, name+".hcl"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	seed := uint64(b.nextSeries())
	v, err := startVendor(seed)
	if err != nil {
		return err
	}
	defer v.srv.Close()
	store := filepath.Join(b.dir, "soak.db")
	t, err := b.start(ctx, targetSpec{recipes: dir, store: store, sinkURL: v.url})
	if err != nil {
		return err
	}
	defer t.stop()
	fmt.Printf("soak: %.0f events/s for %v, seed %d\n", b.load, b.soaks, seed)

	watch, stop := context.WithCancel(ctx)
	var memory soakMemory
	var wg sync.WaitGroup
	wg.Go(func() { memory.watch(watch, t) })
	wg.Go(func() { v.outage(watch, b.soaks) })
	series := b.nextSeries()
	l := &load{addr: t.addr, secret: secret, conns: 32, n: int(b.load * b.soaks.Seconds()), rate: b.load, series: series, write: soakEvent}
	res, err := l.run(ctx)
	end, rssErr := t.rss()
	if err == nil {
		err = rssErr
	}
	if err == nil {
		err = settled(ctx, t)
	}
	after, rssErr := t.rss()
	stop()
	wg.Wait()
	if err := errors.Join(err, rssErr); err != nil {
		return fmt.Errorf("%w\n%s", err, tail(t.stderr.String()))
	}
	t.end()
	fmt.Printf("  sent %d, accepted %d, refused %d; p50 %v, p99 %v\n", l.n, res.accepted, res.refused,
		quantile(res.latency, 0.5).Round(100*time.Microsecond), quantile(res.latency, 0.99).Round(100*time.Microsecond))
	memory.report(end, after)
	if res.refused > 0 {
		return fmt.Errorf("%d events were refused", res.refused)
	}
	return v.account(ctx, store, series, l.n)
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

// outage has the vendor be down for a while, early enough for its cost in memory to be in what the end is compared with.
func (v *vendor) outage(ctx context.Context, total time.Duration) {
	if sleep(ctx, total/12) == nil {
		v.setDown(true)
		_ = sleep(ctx, min(20*time.Second, total/10))
	}
	v.setDown(false)
}

// settled waits until every event is decided and every run has ended.
func settled(ctx context.Context, t *target) error {
	var last control.Counts
	for begin := time.Now(); time.Since(begin) < 15*time.Minute; {
		res, err := http.Get("http://" + t.control + "/api/v1/status")
		if err != nil {
			return err
		}
		var s control.Status
		err = json.NewDecoder(res.Body).Decode(&s)
		res.Body.Close()
		if err != nil {
			return err
		}
		if last = s.StoreCounts; last.Undecided == 0 && last.Runs["running"]+last.Runs["waiting"]+last.Runs["queued"] == 0 {
			fmt.Printf("  all ended %v after the last event\n", time.Since(begin).Round(time.Second))
			return nil
		}
		if err := sleep(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("not all has ended: %+v", last)
}

// soakMemory is the server's memory over time.
type soakMemory struct {
	mu      sync.Mutex
	minutes []int64 // resident bytes after each minute
}

func (m *soakMemory) watch(ctx context.Context, t *target) {
	for sleep(ctx, time.Minute) == nil {
		if n, err := t.rss(); err == nil {
			m.mu.Lock()
			m.minutes = append(m.minutes, n)
			m.mu.Unlock()
		}
	}
}

func (m *soakMemory) report(end, after int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Print("  memory by minute, MB:")
	for _, n := range m.minutes {
		fmt.Printf(" %.0f", float64(n)/1e6)
	}
	fmt.Println()
	if len(m.minutes) >= 2 {
		two := float64(m.minutes[1])
		fmt.Printf("  at the end of the load %.0f MB, %.2f of minute 2; when all had ended %.0f MB, %.2f\n",
			float64(end)/1e6, float64(end)/two, float64(after)/1e6, float64(after)/two)
	}
}

// account holds what the store says of each event against what the vendor took.
func (v *vendor) account(ctx context.Context, path string, series int64, n int) error {
	store, err := sqlite.Open(ctx, path, sqlite.Options{Wait: true})
	if err != nil {
		return err
	}
	defer store.Close()
	v.mu.Lock()
	defer v.mu.Unlock()
	a := &soakAccount{v: v, store: store, runs: map[runtime.RunStatus]int{}}
	for i := range int64(n) {
		if err := a.event(ctx, i, eventID(series, i)); err != nil {
			return err
		}
	}
	for what := range v.effects {
		a.blame("the vendor took %s, which no event asks for", what)
	}
	fmt.Printf("  events accounted for %d; runs: %d completed, %d failed\n", n, a.runs[runtime.RunCompleted], a.runs[runtime.RunFailed])
	fmt.Printf("  calls %d, refused %d", v.calls, v.refused)
	for f, name := range faultNames[1:] {
		fmt.Printf(", %s %d", name, v.faults[f+1])
	}
	fmt.Printf("\n  effects: %d once, %d again with their key since the answer was lost; e-mails %d sent, %d not sent or unknown\n",
		a.once, a.again, a.mails, a.unknown)
	if len(a.faults) > 0 {
		return fmt.Errorf("%d faults, such as:\n  %s", len(a.faults), strings.Join(a.faults[:min(10, len(a.faults))], "\n  "))
	}
	return nil
}

type soakAccount struct {
	v                           *vendor
	store                       runtime.Store
	runs                        map[runtime.RunStatus]int
	once, again, mails, unknown int
	faults                      []string
}

func (a *soakAccount) blame(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *soakAccount) event(ctx context.Context, i int64, id string) error {
	ev, err := a.store.Event(ctx, "stripe", id)
	if err != nil {
		return fmt.Errorf("event %s: %w", id, err)
	}
	if _, err := a.store.Decision(ctx, ev.Seq); err != nil {
		a.blame("event %s has no decision: %v", id, err)
	}
	runs, err := a.store.RunsOf(ctx, ev.Seq)
	if err != nil {
		return err
	}
	byRecipe := map[string]*runtime.Run{}
	for _, run := range runs {
		byRecipe[run.Recipe] = run
		a.runs[run.Status]++
	}
	wants := soakWants(i)
	if len(runs) != len(wants) {
		a.blame("event %s has %d runs, want those of %v", id, len(runs), wants)
	}
	for _, recipe := range wants {
		run := byRecipe[recipe]
		switch {
		case run == nil || !run.Status.Ended():
			a.blame("%s for %s has not ended", recipe, id)
		case recipe == "mail":
			a.mail(run, a.taken("mail", id))
		case recipe == "alert":
			if run.Status != runtime.RunFailed {
				a.blame("alert for %s %v", id, run.Status)
			}
			a.effect("alert", id)
		default:
			if run.Status != runtime.RunCompleted {
				a.blame("%s for %s %v: %v", recipe, id, run.Status, run.Error)
			}
			a.effect(recipe, id)
		}
	}
	return nil
}

// taken returns what the vendor took, and strikes it off.
func (a *soakAccount) taken(name, id string) effect {
	e := a.v.effects[name+" "+id]
	if e == nil {
		return effect{}
	}
	delete(a.v.effects, name+" "+id)
	return *e
}

// effect looks at something that the vendor must have taken under one key, again only where it withheld the answer.
func (a *soakAccount) effect(name, id string) {
	switch e := a.taken(name, id); {
	case e.taken == 0:
		a.blame("%s for %s is not at the vendor", name, id)
	case len(e.keys) != 1:
		a.blame("%s for %s came with %d keys", name, id, len(e.keys))
	case e.taken > 1+e.lost:
		a.blame("%s for %s came %d times, and %d answers were withheld", name, id, e.taken, e.lost)
	case e.taken > 1:
		a.again++
	default:
		a.once++
	}
}

// mail looks at something that must not be repeated.
func (a *soakAccount) mail(run *runtime.Run, e effect) {
	switch {
	case e.taken > 1:
		a.blame("mail for %s came %d times", run.EventID, e.taken)
	case run.Status == runtime.RunCompleted && e.taken == 1:
		a.mails++
	case run.Status == runtime.RunFailed && run.Steps[0].Status == runtime.StepUnknown:
		a.unknown++
	default:
		a.blame("mail for %s %v (%v), and came %d times", run.EventID, run.Status, run.Error, e.taken)
	}
}
