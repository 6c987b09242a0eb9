package engine

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

// A model-based test of the engine as a whole: random recipes, events, faults of the vendor and of the store, crashes,
// restarts and jumps of the clock, held against a reference. A case is made of its seed alone, but which goroutine goes
// first is not; a case that fails is run again while parts of it are left out, and what is left is printed.
//
//	go test ./runtime/engine -run TestModel -model.cases 5000 -model.seed 1

var (
	modelCases = flag.Int("model.cases", 100, "cases of the model test")
	modelSeed  = flag.Uint64("model.seed", 1, "seed of its first case; the others follow")
)

// maxShrunk is how many failing cases are made small, which takes far longer than to find one.
const maxShrunk = 3

func TestModel(t *testing.T) {
	t.Logf("seeds %d to %d", *modelSeed, *modelSeed+uint64(*modelCases)-1)
	var found []uint64
	for seed := *modelSeed; seed < *modelSeed+uint64(*modelCases); seed++ {
		c := newCase(seed)
		problems := c.play(t)
		if len(problems) == 0 {
			continue
		}
		text := fmt.Sprintf("seed %d:\n  %s", seed, strings.Join(problems[:min(5, len(problems))], "\n  "))
		if found = append(found, seed); len(found) <= maxShrunk {
			text += "\n" + c.shrink(t)
		}
		t.Error(text)
	}
	if len(found) > 0 {
		t.Errorf("failed: %d", found)
	}
}

// shrink leaves parts out as long as the case goes on failing, and says what is left.
func (c *mCase) shrink(t *testing.T) string {
	fails := func(d *mCase) bool {
		for range 3 {
			if len(d.play(t)) > 0 {
				return true
			}
		}
		return false
	}
	small := *c
	try := func(change func(*mCase)) {
		d := small
		change(&d)
		if fails(&d) {
			small = d
		}
	}
	try(func(d *mCase) { d.crashes = nil })
	try(func(d *mCase) { d.store = 0 })
	try(func(d *mCase) { d.jump = 0 })
	try(func(d *mCase) { d.restart = 0 })
	try(func(d *mCase) { d.sqlite = false })
	try(func(d *mCase) { d.troubled = 0 })
	for i := len(small.recipes) - 1; i > 0; i-- {
		try(func(d *mCase) {
			d.recipes = append(append([]*mRecipe(nil), d.recipes[:i]...), d.recipes[i+1:]...)
		})
	}
	for i := len(small.events) - 1; i >= 0; i-- {
		try(func(d *mCase) {
			d.events = append(append([]mEvent(nil), d.events[:i]...), d.events[i+1:]...)
		})
	}
	return small.String()
}

func (c *mCase) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "left: sqlite %v, slots %d, crashes %v, restart at %v, jump of %v at %v, store fails 1 in %d, trouble %d%%\n", c.sqlite, c.slots,
		c.crashes, c.restart, c.jump, c.jumpAt, c.store, c.troubled)
	for i, ev := range c.events {
		fmt.Fprintf(&b, "event %d: %+v\n", i, ev)
	}
	for _, r := range c.recipes {
		fmt.Fprintf(&b, "-- %s.hcl --\n%s", r.name, r.text())
	}
	return b.String()
}
