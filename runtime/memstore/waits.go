package memstore

// What waiting steps look for, what events can be looked for by, and what has come. An event and a wait are recorded
// one after the other, so that either the event finds the wait or the wait finds the event.

import (
	"cmp"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

type waits struct {
	seekers map[runtime.Await]map[seeker]int64 // the Seq of the run's own event
	awaited map[seeker][]runtime.Await
	steps   map[string]map[seeker]bool // by run
	kept    map[runtime.Await][]keptEvent
	arrived map[string][]arrival // by run
}

// seeker is a step that waits.
type seeker struct{ run, step, each string }

type keptEvent struct {
	seq int64
	at  time.Time
}

type arrival struct {
	runtime.Arrival
	at time.Time
}

func newWaits() waits {
	return waits{seekers: map[runtime.Await]map[seeker]int64{}, awaited: map[seeker][]runtime.Await{},
		steps: map[string]map[seeker]bool{}, kept: map[runtime.Await][]keptEvent{}, arrived: map[string][]arrival{}}
}

// follow takes note of a run that is being recorded.
func (w *waits) follow(r *runtime.Run) {
	if r.Status.Ended() {
		for at := range w.steps[r.ID] {
			w.seek(at, 0, nil)
		}
		delete(w.arrived, r.ID)
		return
	}
	if r.Status == runtime.RunWaiting {
		w.forget(r.ID, func(a arrival) bool { return slices.Contains(r.Arrived, a.Arrival) })
	}
	for _, st := range r.Steps {
		at := seeker{r.ID, st.Address, st.Each}
		if st.Status != runtime.StepWaiting {
			w.seek(at, 0, nil)
			w.forget(r.ID, func(a arrival) bool { return a.Step == st.Address && a.Each == st.Each })
			continue
		}
		w.seek(at, r.EventSeq, st.Awaits)
	}
}

// seek changes what a step looks for, and looks for what is new among the events that are kept.
func (w *waits) seek(at seeker, event int64, awaits []runtime.Await) {
	old := w.awaited[at]
	for _, a := range old {
		if !slices.Contains(awaits, a) {
			delete(w.seekers[a], at)
			if len(w.seekers[a]) == 0 {
				delete(w.seekers, a)
			}
		}
	}
	if len(awaits) == 0 {
		delete(w.awaited, at)
		delete(w.steps[at.run], at)
		if len(w.steps[at.run]) == 0 {
			delete(w.steps, at.run)
		}
		return
	}
	w.awaited[at] = slices.Clone(awaits)
	if w.steps[at.run] == nil {
		w.steps[at.run] = map[seeker]bool{}
	}
	w.steps[at.run][at] = true
	var met []keptEvent
	for _, a := range awaits {
		if slices.Contains(old, a) {
			continue
		}
		if w.seekers[a] == nil {
			w.seekers[a] = map[seeker]int64{}
		}
		w.seekers[a][at] = event
		for _, k := range w.kept[a] {
			if k.seq > event {
				met = append(met, k)
			}
		}
	}
	slices.SortFunc(met, func(a, b keptEvent) int { return cmp.Compare(a.seq, b.seq) })
	for _, k := range met {
		w.arrive(at.run, arrival{runtime.Arrival{Step: at.step, Each: at.each, EventSeq: k.seq}, k.at})
	}
}

// decided keeps an event under its keys and gives it to the steps that look for it. It returns their runs.
func (w *waits) decided(keys []runtime.Await, seq int64, at time.Time) []string {
	var runs []string
	for _, k := range keys {
		if !slices.Contains(w.kept[k], keptEvent{seq, at}) {
			w.kept[k] = append(w.kept[k], keptEvent{seq, at})
		}
		for s, event := range w.seekers[k] {
			if seq > event {
				w.arrive(s.run, arrival{runtime.Arrival{Step: s.step, Each: s.each, EventSeq: seq}, at})
				runs = append(runs, s.run)
			}
		}
	}
	return runs
}

func (w *waits) arrive(run string, a arrival) {
	for _, old := range w.arrived[run] {
		if old.Arrival == a.Arrival {
			return
		}
	}
	w.arrived[run] = append(w.arrived[run], a)
}

func (w *waits) forget(run string, which func(arrival) bool) {
	left := slices.DeleteFunc(w.arrived[run], which)
	if len(left) == 0 {
		delete(w.arrived, run)
		return
	}
	w.arrived[run] = left
}

// drop forgets the keys of events up to a Seq, and of those that are gone.
func (w *waits) drop(upTo int64, gone map[int64]bool) {
	for a, list := range w.kept {
		left := slices.DeleteFunc(list, func(k keptEvent) bool { return k.seq <= upTo || gone[k.seq] })
		if len(left) == 0 {
			delete(w.kept, a)
			continue
		}
		w.kept[a] = left
	}
}
