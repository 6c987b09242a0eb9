package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
)

// hold starts a server and has one call of it hang at the vendor; release lets the call be answered.
func hold(t *testing.T, args ...string) (s *site, p *process, release chan struct{}) {
	t.Helper()
	s = newSite(t, map[string]string{"track.hcl": crashRecipes["track.hcl"]})
	arrived := make(chan struct{}, 16)
	s.onCall(func(customeriofake.Call) { arrived <- struct{}{} })
	release = make(chan struct{})
	s.fake.Fail(customeriofake.Fault{Status: http.StatusOK, Body: "{}", Act: true, Hold: release})
	p = s.serve(nil, args...)
	if _, _, err := p.ready(); err != nil {
		t.Fatal(err)
	}
	if status, answer := s.post(t.Context(), http.DefaultClient, s.event("evt_held", "cus_held", 9000), s.secret); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, answer)
	}
	<-arrived
	return s, p, release
}

var stopping = regexp.MustCompile("stopping: running steps may end")

func TestDrainWaitsForRunningSteps(t *testing.T) {
	s, p, release := hold(t)
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.err.await(stopping); err != nil {
		t.Fatal(err)
	}
	// Meanwhile new events are put off.
	if status, answer := s.post(t.Context(), http.DefaultClient, s.event("evt_late", "cus_late", 9000), s.secret); status != http.StatusServiceUnavailable {
		t.Errorf("an event while draining was answered %d %s", status, answer)
	}
	close(release)
	if err := p.wait(); err != nil || p.code != exitOK {
		t.Fatalf("it ended with %d, %v\n%s", p.code, err, p.err)
	}
	if n := len(s.fake.Events()); n != 1 {
		t.Errorf("%d effects, want 1", n)
	}
	s.afterRestart(t, "completed", 1)
}

func TestDrainGivesUpAndGoesOnLater(t *testing.T) {
	s, p, release := hold(t, "-drain", "1ms")
	defer close(release)
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil || p.code != exitOK {
		t.Fatalf("it ended with %d, %v\n%s", p.code, err, p.err)
	}
	if !strings.Contains(p.err.String(), "steps were cut off") {
		t.Errorf("nothing says that a step was cut off:\n%s", p.err)
	}
	// The call had its effect; the repeat after the restart carries the same key and is none.
	s.afterRestart(t, "completed", 1)
	if d := s.fake.Duplicates(); d != 1 {
		t.Errorf("%d repeats, want 1", d)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	s, p, release := hold(t)
	defer close(release)
	if err := p.signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.err.await(stopping); err != nil {
		t.Fatal(err)
	}
	// Signals that follow within half a second are the same one, sent to the process and its group.
	for !p.ended() {
		if err := p.signal(os.Interrupt); err != nil && !p.ended() {
			break // it has ended between the two
		}
	}
	if err := p.wait(); err != nil || p.code != exitUsage {
		t.Fatalf("it ended with %d, %v\n%s", p.code, err, p.err)
	}
	if !strings.Contains(p.err.String(), "stopped at once by a second signal") {
		t.Errorf("nothing says why it ended:\n%s", p.err)
	}
	s.afterRestart(t, "completed", 1)
}

// afterRestart starts the server again, lets it finish what is left, and counts.
func (s *site) afterRestart(t *testing.T, status string, effects int) {
	t.Helper()
	p := s.serve(nil)
	if _, _, err := p.ready(); err != nil {
		t.Fatal(err)
	}
	s.settle(p)
	if answer := s.ask(t, http.MethodGet, "/api/v1/runs", ""); !strings.Contains(answer, `"status":"`+status+`"`) {
		t.Errorf("no run is %s: %s", status, answer)
	}
	if n := len(s.fake.Events()); n != effects {
		t.Errorf("%d effects, want %d", n, effects)
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil || p.code != exitOK {
		t.Fatalf("it ended with %d, %v\n%s", p.code, err, p.err)
	}
}
