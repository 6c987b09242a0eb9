package main

// The commands that talk to a running server.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/control"
)

// remote is where the server is; each command that talks to one has these flags.
type remote struct {
	server string
	asJSON bool
}

func (r *remote) define(f *flags) {
	f.StringVar(&r.server, "server", control.DefaultServer, "`URL`: the server's control door")
	f.fromEnv("server", "FLOWRUN_SERVER")
	f.BoolVar(&r.asJSON, "json", false, "print JSON")
}

func (r *remote) client(m *Main) *control.Client {
	return control.NewClient(r.server, m.env("FLOWRUN_CONTROL_TOKEN"))
}

func statusCommand() *command {
	var r remote
	return &command{
		name:    "status",
		short:   "show what a server runs and how it is",
		example: "flowrun status -server http://127.0.0.1:8081",
		group:   groupOperate,
		flags:   r.define,
		run: func(ctx context.Context, m *Main, _ []string) error {
			s, err := r.client(m).Status(ctx)
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, s)
			}
			return showStatus(m, s)
		},
	}
}

func showStatus(m *Main, s *control.Status) error {
	t := newTable(m.Stdout)
	state := "ready"
	if !s.Ready {
		state = "not ready: " + dash(s.NotReady)
	}
	t.row("state", state)
	mode := s.Mode
	if s.Shadow {
		mode += ", shadow: calls that change anything are not made"
	}
	t.row("version", s.Version+" ("+mode+")")
	t.row("up", (time.Duration(s.UptimeMS) * time.Millisecond).Round(time.Second).String())
	t.row("folder", s.Dir)
	t.row("store", s.Store)
	t.row("webhooks", s.Listen)
	t.row("control", s.Control)
	if e := s.Engine; e != nil {
		t.row("program", dash(short(e.Program)))
		t.row("recipes", fmt.Sprint(e.Recipes))
		t.row("working on", fmt.Sprintf("%d, %d waiting in the queue", e.InFlight, e.QueueDepth))
		if e.Queued > 0 {
			t.row("in lanes", fmt.Sprintf("%s for a place, in %s", plural(e.Queued, "run"), plural(e.Lanes, "lane")))
		}
		for _, b := range e.Breakers {
			t.row("held back", fmt.Sprintf("calls of %s: %s until %s; %s", b.Connection, b.State, when(b.Until), b.Reason))
		}
		for _, p := range e.Paused {
			because := ""
			if p.Reason != "" {
				because = ": " + p.Reason
			}
			t.row("paused", p.Recipe+map[bool]string{true: ", its events are dropped", false: ", its events are held"}[p.Drop]+because)
		}
		for _, a := range e.Alerts {
			t.row("alert", fmt.Sprintf("%s %s (%d): %s", when(a.At), a.Kind, a.Count, a.Message))
		}
	}
	t.row("events", fmt.Sprintf("%d, %d not decided yet", s.StoreCounts.Events, s.StoreCounts.Undecided))
	for _, word := range []string{"queued", "running", "waiting", "completed", "filtered", "skipped", "failed", "canceled"} {
		if n := s.StoreCounts.Runs[word]; n > 0 {
			t.row("runs "+word, fmt.Sprint(n))
		}
	}
	if s.OnOlder > 0 {
		t.row("on older", plural(int(s.OnOlder), "run")+" that began with an older program and go on with it")
	}
	if len(s.Removed) > 0 {
		t.row("removed", strings.Join(s.Removed, ", ")+", with runs that have not ended")
	}
	for _, c := range s.Connections {
		mode := ""
		if c.Livemode != nil {
			mode = map[bool]string{true: ", live mode", false: ", test mode"}[*c.Livemode]
		}
		t.row("connection", c.Name+" ("+c.Service+mode+") "+dash(c.Door))
		if c.Endpoint != "" {
			t.row("endpoint", c.Endpoint)
		}
		if len(c.NotSent) > 0 {
			t.row("not sent", strings.Join(c.NotSent, ", "))
		}
		if c.Problem != "" {
			t.row("problem", c.Problem)
		}
	}
	if l := s.LastReload; l != nil {
		outcome := "taken"
		if !l.OK {
			outcome = "refused; the last good recipes are served"
		}
		t.row("last reload", when(l.At)+", "+outcome)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if l := s.LastReload; l != nil && !l.OK {
		fmt.Fprintf(m.Stdout, "\n%s", l.Diagnostics)
	}
	return nil
}

func reloadCommand() *command {
	var r remote
	return &command{
		name:    "reload",
		short:   "have a server read its folder and its environment again",
		example: "flowrun reload",
		group:   groupOperate,
		flags:   r.define,
		run: func(ctx context.Context, m *Main, _ []string) error {
			res, err := r.client(m).Reload(ctx)
			if err != nil {
				return err
			}
			if r.asJSON {
				if err := printJSON(m.Stdout, res); err != nil {
					return err
				}
			} else {
				if res.Diagnostics != "" {
					fmt.Fprintf(m.Stderr, "%s\n", strings.TrimRight(res.Diagnostics, "\n"))
				}
				switch {
				case !res.OK:
					fmt.Fprintf(m.Stdout, "refused: the last good recipes are served (program %s)\n", dash(short(res.Digest)))
				case res.Changed:
					fmt.Fprintf(m.Stdout, "taken: %s, program %s\n", plural(res.Recipes, "recipe"), short(res.Digest))
				default:
					fmt.Fprintf(m.Stdout, "taken: %s, unchanged, program %s\n", plural(res.Recipes, "recipe"), short(res.Digest))
				}
			}
			if !res.OK {
				return errProblems
			}
			return nil
		},
	}
}

func runsCommand() *command {
	return &command{
		name: "runs", short: "list, show, retry and cancel the runs of a server", group: groupOperate,
		sub: []*command{runsListCommand(), runsShowCommand(), runsTailCommand(), runsRetryCommand(), runsCancelCommand(),
			runsResolveCommand(), runsMoveCommand()},
	}
}

func runsListCommand() *command {
	var r remote
	var q control.RunFilter
	var kind string
	return &command{
		name:    "list",
		short:   "list runs, the newest first",
		example: "flowrun runs list -status failed -since 24h",
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&q.Recipe, "recipe", "", "`NAME`: only runs of this recipe")
			f.StringVar(&q.Status, "status", "", "`STATUS`: only runs that are queued, running, waiting, completed, filtered, skipped, failed or canceled")
			defineWhere(f, &q.Where)
			f.StringVar(&kind, "kind", "", "`KIND`: only runs that failed so: unknown, refused, drift, network or another kind of error")
			f.StringVar(&q.Event, "event", "", "`ID`: only runs of this event")
			f.StringVar(&q.Since, "since", "", "`WHEN`: only those since 24h, 7d, or a time")
			f.IntVar(&q.Limit, "limit", 50, "`N`: at most so many")
			f.StringVar(&q.Cursor, "cursor", "", "`CURSOR`: go on where the page before ended")
		},
		run: func(ctx context.Context, m *Main, _ []string) error {
			page, err := listRuns(ctx, r.client(m), q, kind)
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, page)
			}
			t := newTable(m.Stdout, "RUN", "STARTED", "RECIPE", "EVENT", "STATUS", "WHY")
			for _, run := range page.Runs {
				status := run.Status
				if run.Shadow {
					status += ", shadow"
				}
				t.row(run.ID, when(run.StartedAt), run.Recipe, run.EventID, status, why(&run))
			}
			if err := t.flush(); err != nil {
				return err
			}
			m.more(len(page.Runs), "runs", page.Next)
			m.hintWhere(len(page.Runs), q.Where)
			return nil
		},
	}
}

// largestPage is the most that the door gives at once.
const largestPage = 500

// listRuns returns a page of runs; of those that failed in one way it looks through all pages until it has enough.
func listRuns(ctx context.Context, c *control.Client, q control.RunFilter, kind string) (*control.RunList, error) {
	if kind == "" {
		return c.Runs(ctx, q)
	}
	if q.Status == "" {
		q.Status = "failed"
	}
	want := q.Limit
	q.Limit = largestPage
	found := &control.RunList{Runs: []control.Run{}}
	for {
		page, err := c.Runs(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Runs {
			if e := page.Runs[i].Error; e != nil && e.Kind == kind && len(found.Runs) < want {
				found.Runs = append(found.Runs, page.Runs[i])
			}
		}
		if page.Next == "" || len(found.Runs) >= want {
			return found, nil
		}
		q.Cursor = page.Next
	}
}

// more says how a list ends, beside the list itself.
func (m *Main) more(n int, what, cursor string) {
	switch {
	case n == 0:
		fmt.Fprintf(m.Stderr, "no %s\n", what)
	case cursor != "":
		fmt.Fprintf(m.Stderr, "there are more: -cursor %s\n", cursor)
	}
}

// hintWhere says what can be searched, where a search found nothing.
func (m *Main) hintWhere(n int, where []string) {
	if n == 0 && len(where) > 0 {
		fmt.Fprintln(m.Stderr, "-where finds values that a recipe reads, and e-mail addresses, ids and customers")
	}
}

// why says in a few words how a run came to its status.
func why(r *control.Run) string { return r.Standing(when) }

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func runsShowCommand() *command {
	var r remote
	return &command{
		name:    "show",
		args:    "RUN",
		short:   "show a run with its steps, what was sent and what came back",
		example: "flowrun runs show run_0123456789abcdefghjkmnpq",
		maxArgs: 1,
		flags:   r.define,
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which run? \"flowrun runs list\" lists them")
			}
			run, err := r.client(m).Run(ctx, args[0])
			if errors.Is(err, control.ErrNotFound) {
				return usagef("there is no run %q", args[0])
			}
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, run)
			}
			return showRun(m, run)
		},
	}
}

func showRun(m *Main, run *control.Run) error {
	w := m.Stdout
	fmt.Fprintf(w, "run      %s\nrecipe   %s (program %s)\nevent    %s %s on %s\nstarted  %s\nstatus   %s\n", run.ID, run.Recipe,
		short(run.Program), run.EventType, run.EventID, run.Connection, when(run.StartedAt), run.Status)
	if text := why(run); text != "" {
		fmt.Fprintf(w, "why      %s\n", text)
	}
	if run.Error != nil && run.Error.Step != "" {
		fmt.Fprintf(w, "at       %s\n", run.Error.Step)
	}
	if !run.EndedAt.IsZero() {
		fmt.Fprintf(w, "ended    %s\n", when(run.EndedAt))
	}
	if run.Shadow {
		fmt.Fprintln(w, "shadow   calls that change anything are recorded and not made")
	}
	if run.Retries > 0 {
		fmt.Fprintf(w, "retries  %d\n", run.Retries)
	}
	if run.ReplayOf != "" {
		fmt.Fprintf(w, "replays  %s\n", run.ReplayOf)
	}
	if run.Parent != "" {
		fmt.Fprintf(w, "called   by %s\n", run.Parent)
	}
	if len(run.Input) > 0 {
		fmt.Fprintf(w, "input    %s\n", run.Input)
	}
	if len(run.Output) > 0 {
		fmt.Fprintf(w, "output   %s\n", run.Output)
	}
	for i := range run.Steps {
		s := &run.Steps[i]
		fmt.Fprintf(w, "\n%s\n", stepTitle(s))
		if s.Key != "" {
			fmt.Fprintf(w, "  key     %s\n", s.Key)
		}
		showJSON(m, "input", s.Input)
		showJSON(m, "output", s.Output)
		for n, a := range s.Attempts {
			text := "ok"
			if a.Error != nil {
				text = a.Error.Kind + ": " + a.Error.Message
			}
			if a.Status != 0 {
				text = fmt.Sprintf("HTTP %d, %s", a.Status, text)
			}
			fmt.Fprintf(w, "  attempt %d at %s: %s\n", n+1, when(a.At), text)
		}
		if s.Error != nil && len(s.Attempts) == 0 {
			fmt.Fprintf(w, "  error   %s: %s\n", s.Error.Kind, s.Error.Message)
		}
		switch {
		case s.Child != "":
			fmt.Fprintf(w, "  run     %s\n", s.Child)
		case s.DueAt.IsZero():
		case s.Action == "":
			fmt.Fprintf(w, "  until   %s\n", when(s.DueAt))
		case run.Status == "queued" && run.StoppedBy != "":
			fmt.Fprintf(w, "  next    when the recipe is resumed: its %s hold it back\n", run.StoppedBy)
		case len(s.Attempts) == 0:
			fmt.Fprintf(w, "  next    %s; not called yet: a limit of the vendor or a circuit breaker holds it back\n", when(s.DueAt))
		default:
			fmt.Fprintf(w, "  next    %s\n", when(s.DueAt))
		}
	}
	return nil
}

// stepTitle is a step in one line: its address, what it calls, how it is, and how long it took.
func stepTitle(s *control.Step) string {
	title := s.Address
	if s.Each != "" {
		title += "[" + s.Each + "]"
	}
	if s.Action != "" {
		title += "  " + s.Action
	}
	title += "  " + s.Status
	if s.Shadow {
		title += " (shadow: not made)"
	}
	if d := time.Duration(s.DurationMS) * time.Millisecond; d > 0 {
		title += "  " + d.String()
	}
	return title
}

func showJSON(m *Main, name string, raw json.RawMessage) {
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "          ", "  ") != nil {
		b.Reset()
		b.Write(raw)
	}
	fmt.Fprintf(m.Stdout, "  %-7s %s\n", name, b.String())
}

func eventsCommand() *command {
	return &command{
		name: "events", short: "list, show and replay the events of a server, and those that no webhook brought", group: groupOperate,
		sub: []*command{eventsListCommand(), eventsShowCommand(), eventsReplayCommand(), eventsGapsCommand()},
	}
}

func eventsListCommand() *command {
	var r remote
	var q control.EventFilter
	return &command{
		name:    "list",
		short:   "list events, the newest first, with the recipes that took them",
		example: "flowrun events list -type charge.failed -since 24h",
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&q.Connection, "connection", "", "`NAME`: only events of this connection")
			f.StringVar(&q.Type, "type", "", "`TYPE`: only events of this type of the service, such as charge.failed")
			defineWhere(f, &q.Where)
			f.StringVar(&q.Since, "since", "", "`WHEN`: only those since 24h, 7d, or a time")
			f.IntVar(&q.Limit, "limit", 50, "`N`: at most so many")
			f.StringVar(&q.Cursor, "cursor", "", "`CURSOR`: go on where the page before ended")
		},
		run: func(ctx context.Context, m *Main, _ []string) error {
			page, err := r.client(m).Events(ctx, q)
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, page)
			}
			t := newTable(m.Stdout, "EVENT", "RECEIVED", "CONNECTION", "TYPE", "TAKEN BY")
			for _, e := range page.Events {
				t.row(e.ID, when(e.ReceivedAt), e.Connection, e.Type, takenBy(e.Decision))
			}
			if err := t.flush(); err != nil {
				return err
			}
			m.more(len(page.Events), "events", page.Next)
			m.hintWhere(len(page.Events), q.Where)
			return nil
		},
	}
}

func takenBy(d *control.Decision) string {
	switch {
	case d == nil:
		return "not decided yet"
	case len(d.Matched) == 0:
		return "no recipe"
	}
	return strings.Join(d.Matched, ", ")
}

func eventsShowCommand() *command {
	var r remote
	var connection string
	return &command{
		name:    "show",
		args:    "EVENT",
		short:   "show an event with its body and its runs",
		example: "flowrun events show evt_1NG8Du2eZvKYlo2CUI79vXWy",
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&connection, "connection", "", "`NAME`: the connection it came through")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which event? \"flowrun events list\" lists them")
			}
			e, err := r.client(m).Event(ctx, connection, args[0])
			if errors.Is(err, control.ErrNotFound) {
				return usagef("there is no event %q", args[0])
			}
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, e)
			}
			fmt.Fprintf(m.Stdout, "event     %s\ntype      %s\nthrough   %s\nhappened  %s\nreceived  %s\ntaken by  %s\n", e.ID, e.Type,
				e.Connection, when(e.Time), when(e.ReceivedAt), takenBy(e.Decision))
			for _, run := range e.Runs {
				fmt.Fprintf(m.Stdout, "run       %s  %s  %s  %s\n", run.ID, run.Recipe, run.Status, why(&run))
			}
			if len(e.Payload) > 0 {
				var b bytes.Buffer
				if json.Indent(&b, e.Payload, "", "  ") == nil {
					fmt.Fprintf(m.Stdout, "\n%s\n", b.String())
				}
			}
			return nil
		},
	}
}
