package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

const onLatest = "trigger \"acme_order_created\" {\n latest = true\n}\n"

// keeps makes the vendor have an order, as its JSON says when it is asked; null where it has none.
func (w *world) keeps(order func(n int) (string, error)) {
	asked := 0
	w.vendor.answer = func(ctx context.Context, action string, in map[string]cty.Value, n int) (cty.Value, error) {
		if action != "acme_order" {
			return byName(ctx, action, in, n)
		}
		asked++
		raw, err := order(asked)
		if err != nil || raw == "null" {
			return cty.NullVal(cty.DynamicPseudoType), err
		}
		v, _, err := acmeOrder().Decode([]byte(raw), &schema.Paths{All: true})
		return v, err
	}
}

// anOrder is one as the vendor has it.
func anOrder(amount int, status string) string {
	return fmt.Sprintf(`{"id":"o1","amount":%d,"customer":"c9","status":%q,"paid":true,"items":[],"tags":{}}`, amount, status)
}

func always(raw string) func(int) (string, error) {
	return func(int) (string, error) { return raw, nil }
}

// made are the calls by action and name.
func (v *vendor) made() string {
	var out []string
	for _, c := range v.log() {
		out = append(out, strings.TrimPrefix(c.action, "acme_")+" "+c.name)
	}
	return strings.Join(out, "; ")
}

func TestLatest(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onLatest + `
locals {
  text = "${trigger.amount} ${trigger.status} was ${coalesce(previous.amount, 0)}, changed ${join(",", event.changed)}"
}
filter "large now" {
  condition = trigger.amount >= 5000
}
action "acme_put" "a" {
  name = local.text
}
`})
	w.keeps(always(anOrder(7000, "paid")))
	ev := w.order("order.created", "amount=1")
	ev.Payload = []byte(strings.TrimSuffix(string(ev.Payload), "}") + `,"before":{"amount":5}}`)
	run := w.play(ev)
	if run.Status != runtime.RunCompleted || w.vendor.made() != "order o1; put 7000 paid was 5, changed amount" {
		t.Errorf("%v %v: %s", run.Status, run.Error, w.vendor.made())
	}
	s := run.Steps[0]
	if s.Address != "trigger.acme_order_created" || s.Action != "acme_order" || s.Status != runtime.StepDone || !strings.Contains(string(s.Output), "7000") {
		t.Errorf("the step: %+v", s)
	}
}

// What the filters say that read the object is said of it as it is now; those at the top that don't read it cost no call.
func TestLatestIsFiltered(t *testing.T) {
	early := onLatest + "filter \"early\" {\n condition = event.livemode\n}\n" + put("a", `"a"`)
	late := onLatest + "filter \"late\" {\n condition = trigger.status == \"open\"\n}\n" + put("a", `"a"`)
	for name, tc := range map[string]struct {
		src, calls string
		runs       int
	}{"early": {early, "", 0}, "late": {late, "order o1", 1}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": tc.src})
			w.keeps(always(anOrder(1, "paid")))
			w.send(w.order("order.created"))
			if d := w.nextDecision(); d.Runs != tc.runs || w.vendor.made() != tc.calls {
				t.Errorf("%d runs, calls %q", d.Runs, w.vendor.made())
			}
			if tc.runs == 1 {
				if run := w.nextRun(); run.Status != runtime.RunFiltered || run.StoppedBy != "late" {
					t.Errorf("%v by %q", run.Status, run.StoppedBy)
				}
			}
		})
	}
}

func TestLatestOfWhatIsGone(t *testing.T) {
	gone := &connectors.Error{Kind: connectors.KindGone, Message: "deleted"}
	for name, order := range map[string]func(int) (string, error){
		"null": always("null"), "an error": func(int) (string, error) { return "", gone },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": onLatest + put("a", `"a"`) + "on_error {\n" + put("told", `"told"`) + "}\n"})
			w.keeps(order)
			run := w.play(w.order("order.created"))
			if run.Status != runtime.RunSkipped || run.StoppedBy != "latest" || run.Error != nil || w.vendor.made() != "order o1" {
				t.Fatalf("%v by %q (%v), calls %q", run.Status, run.StoppedBy, run.Error, w.vendor.made())
			}
			why, err := w.engine.WhyRun(t.Context(), run)
			if err != nil || why.Run.StoppedBy != "latest" {
				t.Errorf("why: %+v, %v", why, err)
			}
		})
	}
}

func TestLatestIsTriedAgain(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onLatest + put("a", `"got ${trigger.amount}"`)})
	w.keeps(func(n int) (string, error) {
		if n == 1 {
			return "", transient()
		}
		return anOrder(n, "open"), nil
	})
	run := w.play(w.order("order.created"))
	if run.Status != runtime.RunCompleted || w.vendor.made() != "order o1; order o1; put got 2" {
		t.Errorf("%v (%v): %s", run.Status, run.Error, w.vendor.made())
	}
}

// A fetch that fails for good fails the run, and on_error reads the event's object.
func TestLatestThatFails(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onLatest + put("a", `"a"`) + "on_error {\n" + put("told", `"told of ${trigger.amount} at ${error.step}"`) + "}\n"})
	w.keeps(func(int) (string, error) { return "", refused() })
	run := w.play(w.order("order.created", "amount=3"))
	if run.Status != runtime.RunFailed || w.vendor.made() != "order o1; put told of 3 at trigger.acme_order_created" {
		t.Errorf("%v (%v): %s", run.Status, run.Error, w.vendor.made())
	}
}

// The recorded object stands for trigger for the rest of the run: after a wait, in a retry, in a replay.
func TestLatestIsFetchedOnce(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onLatest + put("a", `"${trigger.amount} a"`) +
		"wait \"w\" {\n for = \"1h\"\n}\n" + put("b", `"bad ${trigger.amount}"`)})
	w.keeps(func(n int) (string, error) { return anOrder(n, "open"), nil })
	run := w.play(w.order("order.created"))
	if run.Status != runtime.RunFailed || w.vendor.made() != "order o1; put 1 a; put bad 1" {
		t.Fatalf("%v: %s", run.Status, w.vendor.made())
	}
	ev, err := w.store.EventBySeq(t.Context(), run.EventSeq)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Retry(t.Context(), run.ID, RetryOptions{}); err != nil {
		t.Fatal(err)
	}
	w.toEnd()
	if err := w.engine.Retry(t.Context(), run.ID, RetryOptions{FromStart: true}); err != nil {
		t.Fatal(err)
	}
	w.toEnd()
	if got := w.vendor.made(); got != "order o1; put 1 a; put bad 1; put bad 1; put 1 a; put bad 1" {
		t.Fatalf("after the retries: %s", got)
	}
	if _, err := w.engine.Replay(t.Context(), ev, ReplayOptions{}); err != nil {
		t.Fatal(err)
	}
	w.toEnd()
	if got := w.vendor.made(); !strings.HasSuffix(got, "put bad 1; put 1 a; put bad 1") {
		t.Errorf("after the replay: %s", got)
	}
	if _, err := w.engine.Replay(t.Context(), ev, ReplayOptions{Again: true}); err != nil {
		t.Fatal(err)
	}
	w.toEnd()
	if got := w.vendor.made(); !strings.HasSuffix(got, "order o1; put 2 a; put bad 2") {
		t.Errorf("after the replay that acts again: %s", got)
	}
}

// A crash after the fetch: before anything was sent the object may be fetched again; once something was, it is the one
// that was sent.
func TestLatestAndACrash(t *testing.T) {
	files := map[string]string{"r.hcl": onLatest + `
action "acme_send" "a" {
  name = "${trigger.amount} a"
}
action "acme_send" "b" {
  name = "${trigger.amount} b"
}
`}
	for _, point := range []string{"before-call", "after-call", "after-object", "before-run-recorded", "after-run-recorded"} {
		for nth := 1; nth <= 3; nth++ {
			t.Run(fmt.Sprintf("%s %d", point, nth), func(t *testing.T) {
				w := newWorld(t, files)
				w.stop(expired())
				d := &death{point: point, nth: nth, c: make(chan struct{})}
				store := w.store
				w.store, w.crash = &mortalStore{store, d}, d.at
				w.keeps(func(n int) (string, error) { return anOrder(n, "open"), nil })
				w.vendor.goes(d.is)
				w.boot(files)
				ev := w.send(w.order("order.created"))
				select {
				case <-d.c:
					w.stop(expired())
					w.store, w.crash = store, nil
					w.vendor.goes(nil)
					w.boot(files)
					w.untilEnded(ev)
				case <-w.runs:
				case <-time.After(patience):
					t.Fatal("nothing comes of it")
				}
				said := map[string]string{} // by key
				for _, c := range w.vendor.log() {
					if c.action != "acme_send" {
						continue
					}
					if old := said[c.key]; old != "" && old != c.name {
						t.Errorf("one key said %q and %q", old, c.name)
					}
					said[c.key] = c.name
				}
				if run := w.storedRun(ev, "r"); run.Status != runtime.RunCompleted || len(said) != 2 {
					t.Errorf("%v, said %v", run.Status, said)
				}
			})
		}
	}
}

// untilEnded waits for the end of the run of r for an event.
func (w *world) untilEnded(ev *runtime.Event) {
	w.t.Helper()
	for {
		if run, err := w.store.Run(w.t.Context(), runtime.RunID(ev, "r", "")); err == nil && run.Status.Ended() {
			return
		}
		run := w.nextRun()
		if !run.Due.IsZero() && !run.Status.Ended() {
			w.clock.Advance(max(0, run.Due.Sub(w.clock.Now())))
		}
	}
}

// Flow control is asked before there is a run, by what the event carries.
func TestLatestAndFlowControl(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": "recipe {\n concurrency {\n key = local.lane\n limit = 1\n }\n}\nlocals {\n lane = \"lane ${coalesce(trigger.customer, \"?\")}\"\n}\n" +
		onLatest + put("a", `local.lane`)})
	w.keeps(always(anOrder(1, "open")))
	run := w.play(w.order("order.created", `customer="c1"`))
	if run.Status != runtime.RunCompleted || !strings.Contains(run.Lane, "lane c1") || w.vendor.made() != "order o1; put lane c9" {
		t.Errorf("%v in %q: %s", run.Status, run.Lane, w.vendor.made())
	}
}

// Of several triggers only that is fetched which started the run.
func TestLatestOfSeveralTriggers(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onLatest + "trigger \"acme_order_paid\" {}\n" + put("a", `"${trigger.amount}"`)})
	w.keeps(always(anOrder(8, "open")))
	w.play(w.order("order.paid", "amount=3"))
	w.play(w.order("order.created", "amount=3"))
	if got := w.vendor.made(); got != "put 3; order o1; put 8" {
		t.Error(got)
	}
}

func TestTrialsOfLatest(t *testing.T) {
	plain := onCreated + put("a", `"${trigger.amount}"`)
	latest := onLatest + put("a", `"${trigger.amount}"`)
	filtered := onLatest + "filter \"open\" {\n condition = trigger.status == \"open\"\n}\n" + put("a", `"${trigger.amount}"`)
	for name, tc := range map[string]struct {
		served, tried, order string
		end                  End
		made, unknown        string
	}{
		"as it ran":         {latest, latest, anOrder(8, "open"), Ran, "a:8 ", "[]"},
		"by another filter": {latest, filtered, anOrder(8, "paid"), Held, "", "[]"},
		"gone":              {latest, latest, "null", Held, "", "[]"},
		"never fetched":     {plain, filtered, anOrder(8, "open"), Undecided, "", "[trigger.acme_order_created filter.1 action.a]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": tc.served})
			w.keeps(always(tc.order))
			w.play(w.order("order.created"))
			calls := len(w.vendor.log())
			got := w.tried(map[string]string{"r.hcl": tc.tried}, 0)
			if len(got) != 1 {
				t.Fatalf("%d recipes took it", len(got))
			}
			made := ""
			for _, m := range got[0].Made {
				made += m.Node.Name + ":" + inputName(m.Step) + " "
			}
			if g := got[0]; g.End != tc.end || made != tc.made || fmt.Sprint(g.Unknown) != tc.unknown {
				t.Errorf("end %d, made %q, unknown %v; want %+v", g.End, made, g.Unknown, tc)
			}
			if len(w.vendor.log()) != calls {
				t.Error("a trial called somebody")
			}
		})
	}
}
