package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// tried makes a trial of a program over what a world's store holds.
func (w *world) tried(files map[string]string, i int) []*Tried {
	w.t.Helper()
	events, err := w.store.EventsAfter(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var past []PastEvent
	for _, ev := range events {
		runs, err := w.store.RunsOf(w.t.Context(), ev.Seq)
		if err != nil {
			w.t.Fatal(err)
		}
		past = append(past, PastEvent{ev, runs})
	}
	raw := map[string][]byte{}
	for name, src := range files {
		raw[name] = []byte(src)
	}
	p, b := compile(w.t, w.cfg.Registry, raw)
	trial, err := NewTrial(Config{Registry: w.cfg.Registry}, NewPast(past), p, b)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := trial.Trier().Try(i, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func read(name, what string) string {
	return fmt.Sprintf("action \"acme_read\" %q {\n name = %s\n}\n", name, what)
}

// A trial of the program that ran does what the run did, with the same inputs at the same times, and calls nobody.
func TestATrialRepeatsTheRun(t *testing.T) {
	wait := "wait \"w\" {\n event \"acme_order_paid\" {\n match = incoming.trigger.id == trigger.id\n }\n timeout = \"48h\"\n}\n"
	for name, src := range map[string]string{
		"steps":               onCreated + read("look", `"l"`) + put("a", `coalesce(action.look.email, "none")`),
		"a filter below":      onCreated + read("look", `"l"`) + "filter {\n condition = action.look.email == \"l\"\n}\n" + put("a", `"a"`),
		"a switch":            onCreated + "switch {\n on = trigger.status\n case \"open\" {\n" + put("in", `"in"`) + "}\n default {\n" + put("out", `"out"`) + "}\n}\n",
		"a loop":              onCreated + "action \"acme_put\" \"each\" {\n for_each = [\"x\", \"y\"]\n name = each.value\n}\n" + put("b", `coalesce(try(action.each[1].email, "none"), "none")`),
		"a wait":              onCreated + put("a", `"a"`) + "wait \"w\" {\n for = \"24h\"\n}\n" + put("b", `"${wait.w.timed_out}"`),
		"a wait for an event": onCreated + wait + put("b", `"${wait.w.timed_out}"`),
		"what is kept":        onCreated + "action \"state_increment\" \"n\" {\n name = \"n\"\n}\n" + put("a", `"${action.n.value}"`),
		"a called recipe":     calls("trigger.id", "") + put("a", `coalesce(action.greet.text, "none")`),
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"r.hcl": src, "greet.hcl": greet}
			w := newWorld(t, files)
			w.vendor.answer = byName
			ev := w.send(w.order("order.created"))
			var run *runtime.Run
			if name == "a called recipe" {
				run = w.runOf("r")
			} else {
				run = w.nextRun()
			}
			if name == "a wait for an event" {
				w.clock.Advance(time.Hour)
				w.send(w.order("order.paid"))
				run = w.nextRun()
			}
			for !run.Status.Ended() {
				w.clock.Advance(run.Due.Sub(w.clock.Now()))
				run = w.nextRun()
			}
			calls := len(w.vendor.log())
			got := w.tried(files, 0)
			if len(got) != 1 || got[0].End != Ran || len(got[0].Unknown) > 0 || got[0].Waiting {
				t.Fatalf("%+v", got)
			}
			if a, b := retold(w.storedRun(ev, "r")), retold(got[0].Run); a != b {
				t.Errorf("the run:\n%s\nthe trial:\n%s", a, b)
			}
			if n := len(w.vendor.log()); n != calls {
				t.Errorf("a trial made %d calls", n-calls)
			}
		})
	}
}

func retold(r *runtime.Run) string {
	text := r.Status.String()
	for _, s := range r.Steps {
		text += fmt.Sprintf("\n%s %s %s %s %s %s", s.Address, s.Each, s.Status, s.Input, s.Output, s.EndedAt.UTC().Format(time.RFC3339))
	}
	return text
}

func TestTrialsOfOtherRecipes(t *testing.T) {
	served := onCreated + read("look", `"l"`) + put("a", `coalesce(action.look.email, "none")`)
	never := "wait \"w\" {\n event \"acme_order_paid\" {}\n timeout = \"48h\"\n}\n"
	for name, tc := range map[string]struct {
		src     string
		end     End
		made    string
		unknown string
		waiting bool
	}{
		"the same":                  {served, Ran, "a:l ", "[]", false},
		"another look-up":           {onCreated + read("look", `"m"`) + put("a", `coalesce(action.look.email, "none")`) + put("b", `"b"`), Ran, "b:b ", "[action.look action.a]", false},
		"a filter on what is known": {onCreated + read("look", `"l"`) + "filter {\n condition = action.look.email != \"l\"\n}\n" + put("a", `"a"`), Held, "", "[]", false},
		"a filter on what is not":   {onCreated + read("look", `"m"`) + "filter {\n condition = action.look.email != \"l\"\n}\n" + put("a", `"a"`), Undecided, "", "[action.look filter.1 action.a]", false},
		"an answer of a write":      {onCreated + put("a", `"new"`) + put("b", `coalesce(action.a.email, "none")`), Ran, "a:new ", "[action.b]", false},
		"a wait that lasts":         {onCreated + put("a", `"a"`) + never + put("b", `"b"`), Ran, "a:a ", "[]", true},
		"a look-up that moved":      {onCreated + read("other", `"l"`) + put("a", `"${coalesce(action.other.email, "none")}!"`), Ran, "a:l! ", "[]", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": served})
			w.vendor.answer = byName
			w.play(w.order("order.created"))
			got := w.tried(map[string]string{"r.hcl": tc.src}, 0)
			if len(got) != 1 {
				t.Fatalf("%d recipes took it", len(got))
			}
			made := ""
			for _, m := range got[0].Made {
				made += m.Node.Name + ":" + inputName(m.Step) + " "
			}
			if g := got[0]; g.End != tc.end || made != tc.made || fmt.Sprint(g.Unknown) != tc.unknown || g.Waiting != tc.waiting {
				t.Errorf("end %d, made %q, unknown %v, waiting %v; want %+v", g.End, made, g.Unknown, g.Waiting, tc)
			}
		})
	}
}

func inputName(s *runtime.Step) string {
	var name string
	if _, err := fmt.Sscanf(string(s.Input), `{"name":%q}`, &name); err != nil {
		return string(s.Input)
	}
	return name
}
