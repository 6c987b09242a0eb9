package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// text prints a backtest for people.
func (b *backtest) text(w io.Writer, limit int) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s: %d newly matched, %d no longer matched, %d changed\n", plural(b.Events, "event"), len(b.Newly), len(b.NoLonger), len(b.Changed))
	section := func(title string, list []matchedCase, mark string) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(&out, "\n%s\n", title)
		for _, c := range list[:min(len(list), limit)] {
			fmt.Fprintf(&out, "%s %s  %s %s%s\n", mark, c.Recipe, c.Type, c.Event, parenthesis("held back by ", c.HeldBy))
			for _, q := range c.Requests {
				fmt.Fprintf(&out, "    %s %s %s\n", q.place(), q.Action, oneLine(string(q.Input)))
			}
		}
		more(&out, len(list), limit)
	}
	section("Newly matched", b.Newly, "+")
	section("No longer matched", b.NoLonger, "-")
	if len(b.Changed) > 0 {
		fmt.Fprint(&out, "\nChanged\n")
		for _, c := range b.Changed[:min(len(b.Changed), limit)] {
			fmt.Fprintf(&out, "~ %s  %s %s\n", c.Recipe, c.Type, c.Event)
			if c.Outcome != nil {
				fmt.Fprintf(&out, "    %s → %s\n", c.Outcome.Before, c.Outcome.After)
			}
			for _, s := range c.Steps {
				fmt.Fprintf(&out, "    %s %s: %s\n", s.place(), s.Action, s.Change)
				for _, f := range s.Fields {
					fmt.Fprintf(&out, "      %s: %s\n", f.Path, f.change(s.Change))
				}
			}
		}
		more(&out, len(b.Changed), limit)
	}
	if notes := b.notes(); len(notes) > 0 {
		fmt.Fprintln(&out)
		for _, n := range notes {
			fmt.Fprintln(&out, n)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

func more(w io.Writer, n, limit int) {
	if n > limit {
		fmt.Fprintf(w, "  and %d more; -limit shows more, -json all\n", n-limit)
	}
}

func parenthesis(words, s string) string {
	if s == "" {
		return ""
	}
	return " (" + words + s + ")"
}

func (q *requestCase) place() string { return withEach(q.Step, q.Each) }
func (s *stepDiff) place() string    { return withEach(s.Step, s.Each) }

func withEach(step, each string) string {
	if each == "" {
		return step
	}
	return step + "[" + each + "]"
}

// change says what became of a value.
func (f *fieldDiff) change(step string) string {
	switch {
	case step == "added":
		return oneLine(string(f.After))
	case step == "removed":
		return oneLine(string(f.Before))
	}
	return shownOr(f.Before) + " → " + shownOr(f.After)
}

func shownOr(raw json.RawMessage) string {
	if raw == nil {
		return "(left out)"
	}
	return oneLine(string(raw))
}

// notes say what was left out, and what is unknown.
func (b *backtest) notes() []string {
	var notes []string
	for _, s := range b.Recipes {
		if s.Unknown > 0 {
			notes = append(notes, fmt.Sprintf("%s: for %s the answer of a look-up is unknown, since it was not made when the event came: %s", s.Recipe,
				plural(s.Unknown, "event"), countsOf(s.Steps)))
		}
		if s.Undecided > 0 {
			notes = append(notes, fmt.Sprintf("%s: for %s it is unknown whether a filter lets it through", s.Recipe, plural(s.Undecided, "event")))
		}
		if s.Waiting > 0 {
			notes = append(notes, fmt.Sprintf("%s: for %s it waits beyond the last event", s.Recipe, plural(s.Waiting, "event")))
		}
	}
	for _, name := range b.NoEvents {
		notes = append(notes, name+": no event that it listens to is among them")
	}
	if b.Same > 0 {
		notes = append(notes, plural(b.Same, "recipe")+" the same on both sides: not run")
	}
	if b.Gone > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, since retention has dropped the payload", plural(b.Gone, "event")))
	}
	if len(b.LeftOut) > 0 {
		notes = append(notes, "flow control and limits are left out: "+strings.Join(b.LeftOut, ", "))
	}
	return notes
}

func countsOf(m map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s (%d)", name, m[name]))
	}
	return strings.Join(out, ", ")
}

// markdown prints a summary for a pull request. Its readers need not be those who may see payloads, so that what tells
// of a person is left out.
func (b *backtest) markdown(w io.Writer, limit int) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "### Backtest over %s\n\n", plural(b.Events, "event"))
	type row struct{ newly, noLonger, changed int }
	rows := map[string]*row{}
	at := func(name string) *row {
		if rows[name] == nil {
			rows[name] = &row{}
		}
		return rows[name]
	}
	for _, c := range b.Newly {
		at(c.Recipe).newly++
	}
	for _, c := range b.NoLonger {
		at(c.Recipe).noLonger++
	}
	for _, c := range b.Changed {
		at(c.Recipe).changed++
	}
	if len(rows) == 0 {
		fmt.Fprint(&out, "No recipe takes other events, and no request differs.\n")
	} else {
		fmt.Fprint(&out, "| recipe | events before | events after | newly matched | no longer matched | changed requests |\n|---|---:|---:|---:|---:|---:|\n")
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			r, s := rows[name], b.of(name)
			fmt.Fprintf(&out, "| `%s` | %d | %d | %d | %d | %d |\n", name, s.Before, s.After, r.newly, r.noLonger, r.changed)
		}
	}
	details := func(title string, n int, body func()) {
		if n == 0 {
			return
		}
		fmt.Fprintf(&out, "\n<details><summary>%s: %d</summary>\n\n", title, n)
		body()
		if n > limit {
			fmt.Fprintf(&out, "- and %d more\n", n-limit)
		}
		fmt.Fprint(&out, "\n</details>\n")
	}
	cases := func(list []matchedCase) func() {
		return func() {
			for _, c := range list[:min(len(list), limit)] {
				fmt.Fprintf(&out, "- `%s` %s %s%s\n", c.Recipe, c.Type, code(c.Event), parenthesis("held back by ", c.HeldBy))
				for _, q := range c.Requests {
					fmt.Fprintf(&out, "  - %s `%s`\n", code(q.place()), q.Action)
				}
			}
		}
	}
	details("Newly matched", len(b.Newly), cases(b.Newly))
	details("No longer matched", len(b.NoLonger), cases(b.NoLonger))
	details("Changed requests", len(b.Changed), func() {
		for _, c := range b.Changed[:min(len(b.Changed), limit)] {
			fmt.Fprintf(&out, "- `%s` %s %s\n", c.Recipe, c.Type, code(c.Event))
			if c.Outcome != nil {
				fmt.Fprintf(&out, "  - %s → %s\n", code(c.Outcome.Before), code(c.Outcome.After))
			}
			for _, s := range c.Steps {
				fmt.Fprintf(&out, "  - %s `%s`: %s\n", code(s.place()), s.Action, s.Change)
				for _, f := range s.Fields {
					if f.personal {
						fmt.Fprintf(&out, "    - %s: (tells of a person)\n", code(f.Path))
						continue
					}
					fmt.Fprintf(&out, "    - %s: %s\n", code(f.Path), code(f.change(s.Change)))
				}
			}
		}
	})
	if notes := b.notes(); len(notes) > 0 {
		fmt.Fprintln(&out)
		for _, n := range notes {
			fmt.Fprintf(&out, "- %s\n", n)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// code is text as Markdown shows it unchanged.
func code(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}
