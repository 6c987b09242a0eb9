package main

// The pairs that hosted platforms list. Their names stand in docs/pairs.md, in tables that this file reads; the index of
// all pairs is made from them.

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/connectors/pair"
)

// hosted is a section of the page: what is offered between two services, one way.
type hosted struct {
	title             string
	counts            [2]int // that the title tells
	triggers, actions []offer
}

// offer is a row: a name of theirs, and ours.
type offer struct {
	theirs string
	here   []string
}

var (
	hostedTitle = regexp.MustCompile(`^### ((\w|\.)+ to (\w|\.)+), (\d+) × (\d+)$`)
	hostedRow   = regexp.MustCompile("^\\| (.+) \\| (`.+`) \\|$")
)

func readHosted(t *testing.T) []*hosted {
	t.Helper()
	page, err := os.ReadFile(root + "/docs/pairs.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []*hosted
	var rows *[]offer
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		switch {
		case hostedTitle.MatchString(line):
			m := hostedTitle.FindStringSubmatch(line)
			h := &hosted{title: m[1]}
			if _, err := fmt.Sscan(m[4]+" "+m[5], &h.counts[0], &h.counts[1]); err != nil {
				t.Fatal(err)
			}
			out = append(out, h)
		case line == "| trigger | here |":
			rows = &out[len(out)-1].triggers
		case line == "| action | here |":
			rows = &out[len(out)-1].actions
		case hostedRow.MatchString(line):
			m := hostedRow.FindStringSubmatch(line)
			*rows = append(*rows, offer{m[1], strings.Split(strings.Trim(m[2], "`"), "`, `")})
		}
	}
	return out
}

// pairs are the section's, in the order of the page.
func (h *hosted) pairs() []onePair {
	var out []onePair
	for _, t := range h.triggers {
		for _, trigger := range t.here {
			for _, a := range h.actions {
				for _, action := range a.here {
					out = append(out, onePair{trigger, action})
				}
			}
		}
	}
	return out
}

// TestHostedPairs writes each pair that the page lists, as flowrun new does, and runs the test that is written with it.
func TestHostedPairs(t *testing.T) {
	registry := all.Registry()
	known, err := pairsBetween(registry, nil)
	if err != nil {
		t.Fatal(err)
	}
	var recipes []written
	theirs := 0
	for _, h := range readHosted(t) {
		if got := [2]int{len(h.triggers), len(h.actions)}; got != h.counts {
			t.Errorf("%s: the title tells of %v, and there are %v", h.title, h.counts, got)
		}
		theirs += len(h.triggers) * len(h.actions)
		for _, p := range h.pairs() {
			if !slices.Contains(known, p) {
				t.Errorf("%s: %v is no pair of flowrun new -list", h.title, p)
				continue
			}
			r, err := pair.Write(registry, p.Trigger, p.Action)
			if err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			w := written{p, r, fmt.Sprintf("hosted/%03d", len(recipes))}
			honest(t, w)
			recipes = append(recipes, w)
		}
	}
	if want := 40 + 124 + 24 + 6; theirs != want {
		t.Errorf("the page lists %d pairs, want %d", theirs, want)
	}
	runWrittenTests(t, registry, recipes)
}

// hostedPage is the index of the pairs.
func hostedPage(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString(made + "# Pairs that hosted platforms list\n\nEach is a recipe with its test: `flowrun new TRIGGER ACTION -o FILE.hcl`. " +
		"[Pairs](pairs.md) says how they are mapped, and\nwhich names of theirs stand behind these. What a pair needs is a value for each of these variables.\n")
	registry := all.Registry()
	for _, h := range readHosted(t) {
		fmt.Fprintf(&b, "\n## %s\n\n| pair | needs |\n|---|---|\n", h.title)
		for _, p := range h.pairs() {
			r, err := pair.Write(registry, p.Trigger, p.Action)
			if err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			var needs []string
			for _, v := range r.Variables {
				needs = append(needs, "`"+v.Name+"`")
			}
			fmt.Fprintf(&b, "| `flowrun new %s %s` | %s |\n", p.Trigger, p.Action, strings.Join(needs, ", "))
		}
	}
	return b.Bytes()
}
