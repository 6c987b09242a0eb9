package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestDay is an operator's day: an event arrives and appears, a failed run is found, understood and retried, many are
// retried after they were counted, and a change of a recipe is refused and mended. The page is never loaded again.
func TestDay(t *testing.T) {
	s := serve(t, map[string]string{"dunning.hcl": dunning})
	p := s.open("/runs")
	p.sees("No run yet")

	// An event arrives and appears, as a run that has ended.
	s.event("evt_first", "cus_first", 9000)
	p.lists(1)
	p.seesIn("main .rows", "dunning")
	p.seesIn("main .rows", "Completed")
	if n := s.vendor.taken(); n != 1 {
		t.Errorf("the vendor took %d calls", n)
	}

	// What fails is found by its outcome and understood.
	s.vendor.refuse(true)
	for i := range 3 {
		s.event(fmt.Sprintf("evt_bad%d", i), fmt.Sprintf("cus_bad%d", i), 9000)
	}
	p.lists(4)
	p.click("label", "Failed")
	p.lists(3)
	p.until("a filter that can be shared", `location.search.includes('status=failed')`)
	p.into("Search runs", "customer=cus_bad1")
	p.lists(1)
	p.until("the search in the address", `location.search.includes('where=customer')`)
	shared := p.at()
	p.click("main a.row-link", "")
	p.sees("Failed at customerio_track")
	p.sees("refused")
	for _, secret := range []string{"cus_bad1@person.test", "Canary Person"} {
		if strings.Contains(p.text("body"), secret) {
			t.Errorf("the page shows %q", secret)
		}
	}
	failed := p.at()
	if !strings.HasPrefix(failed, "/runs/run_") {
		t.Errorf("the run is at %s", failed)
	}

	// The vendor is mended; the retry says what it will do, and does it before one's eyes.
	s.vendor.refuse(false)
	p.click("button", "Retry…")
	p.seesIn("dialog", "Retry this run")
	p.seesIn("dialog", "customerio_track")
	if n := s.vendor.taken(); n != 1 {
		t.Errorf("before it was confirmed the vendor took %d calls", n)
	}
	p.click("dialog button", "Retry the run")
	p.seesIn("main", "Completed")
	if n := s.vendor.taken(); n != 2 {
		t.Errorf("the vendor took %d calls", n)
	}

	// Many are counted before they are retried.
	p.visit("/runs?status=failed")
	p.lists(2)
	p.click("button", "Retry all of these")
	p.seesIn("dialog", "2 runs")
	p.seesIn("dialog", "dunning")
	if n := s.vendor.taken(); n != 2 {
		t.Errorf("before it was confirmed the vendor took %d calls", n)
	}
	p.click("dialog button", "Retry 2 runs")
	p.seesIn("dialog", "2 taken up again")
	p.click("dialog button", "Done")
	p.lists(0)
	p.visit("/runs?status=completed")
	p.lists(4)
	if n := s.vendor.taken(); n != 4 {
		t.Errorf("the vendor took %d calls", n)
	}

	// A link that was shared still says what it said.
	p.visit(shared)
	p.sees("No run is as these filters say")

	// A change that is wrong shows at once, and so does its mending.
	s.write("dunning.hcl", strings.Replace(dunning, "trigger.amount", "trigger.amout", 1))
	p.sees("The newest change of the recipes was refused")
	p.click("#reload-refused summary", "")
	p.seesIn("#reload-refused", "FR2004")
	p.seesIn("#reload-refused", "trigger.amout")
	s.event("evt_still", "cus_still", 9000) // the last good program goes on
	s.write("dunning.hcl", dunning+"\n# mended\n")
	p.misses("body", "The newest change of the recipes was refused")
	p.visit("/runs?q=evt_still")
	p.lists(1)

	for _, wrong := range p.complaints() {
		t.Error(wrong)
	}
}

// TestWhy has an operator find out why an event led to nothing.
func TestWhy(t *testing.T) {
	s := serve(t, map[string]string{"dunning.hcl": dunning})
	p := s.open("/events")
	s.event("evt_small", "cus_small", 12)
	p.seesIn("main", "evt_small")
	p.click("main a.row-link", "")
	p.until("the event's page", `location.pathname === '/events/evt_small'`)
	p.sees("held it back")
	p.sees("trigger.amount >= 5000")
	if text := p.text("body"); strings.Contains(text, "cus_small@person.test") || strings.Contains(text, "Canary Person") {
		t.Error("the page shows whom the event is about")
	}
	p.click("button", "Reveal")
	p.seesIn("main", "cus_small@person.test")
	var log struct {
		Audit []struct {
			What string
			IDs  []string
		}
	}
	s.ask("", "/api/v1/audit", &log)
	if len(log.Audit) != 1 || log.Audit[0].What != "revealed" || log.Audit[0].IDs[0] != "evt_small" {
		t.Errorf("the log has %+v", log.Audit)
	}
	for _, wrong := range p.complaints() {
		t.Error(wrong)
	}
}

// TestKeys uses the page without a mouse.
func TestKeys(t *testing.T) {
	s := serve(t, map[string]string{"dunning.hcl": dunning})
	for i := range 3 {
		s.event(fmt.Sprintf("evt_%d", i), fmt.Sprintf("cus_%d", i), 9000)
	}
	p := s.open("/runs?recipe=dunning")
	p.lists(3)
	p.press("j")
	p.press("j")
	p.until("the second row has the focus", `__named(document.activeElement).includes('dunning') || document.activeElement.closest('[data-row="1"]')`)
	p.press("\r")
	p.until("the run is opened", `location.pathname.startsWith('/runs/run_')`)
	p.press("g")
	p.press("e")
	p.until("the events", `location.pathname === '/events'`)
	p.press("/")
	p.until("the search has the focus", `document.activeElement.type === 'search'`)
	p.press("evt_1")
	p.until("the search in the address", `new URLSearchParams(location.search).get('q') === 'evt_1'`)
	p.lists(1)
	p.press("\x1b")
	p.until("the search is left", `document.activeElement.type !== 'search'`)
	p.press("?")
	p.seesIn("dialog", "go to Runs")
	p.press("\x1b")
	p.until("the keys are closed", `!document.querySelector('dialog[open]')`)
	for _, wrong := range p.complaints() {
		t.Error(wrong)
	}
}

// TestStill has the page hold no stream where it is asked not to.
func TestStill(t *testing.T) {
	s := serve(t, map[string]string{"dunning.hcl": dunning})
	p := s.open("/runs?live=0")
	p.sees("No run yet")
	for _, line := range p.asked() {
		_, at, _ := strings.Cut(line, " ")
		if u, err := url.Parse(at); err != nil || u.Path == "/api/v1/stream" {
			t.Errorf("it asks %s", line)
		}
	}
}
