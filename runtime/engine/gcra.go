package engine

import "time"

// pace is a rate as the generic cell rate algorithm knows it: one in each interval, and so many at once after a rest.
// All that must be remembered of a key is one time, the theoretical arrival time (TAT): when what was let through so far
// would be used up at that pace. It is the same bucket of tokens that others count, without a count to keep.
type pace struct {
	every time.Duration
	burst int // at least 1
}

// paceOf returns so many in a period, and so many more at once.
func paceOf(limit int, period time.Duration, more int) pace {
	limit = max(limit, 1)
	return pace{every: max(period/time.Duration(limit), 1), burst: limit + max(more, 0)}
}

// next returns when the next one may go, now or later, and the TAT once it has been let through.
func (p pace) next(tat, now time.Time) (start, after time.Time) {
	start = now
	if first := tat.Add(-time.Duration(p.burst-1) * p.every); first.After(now) {
		start = first
	}
	after = start
	if tat.After(start) {
		after = tat
	}
	return start, after.Add(p.every)
}
