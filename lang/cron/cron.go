// Package cron reads cron expressions and finds the moments that they name. It is a parser of our own because the known
// libraries differ where clocks are put forward and back, which is where a schedule must be exact.
//
// An expression has five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday; months and
// days of the week also by their English names of three letters). A field is *, a number, a range, a list of these, each
// but a number with a step. Where both the day of the month and the day of the week are restricted, either will do.
// @hourly, @daily (@midnight), @weekly, @monthly and @yearly (@annually) stand for five fields.
//
// Where the clock is put forward, a time that does not exist stands for the next moment that does; where it is put back,
// a time that exists twice stands for the first. Where the hour is *, time runs on instead: each hour that passes counts,
// 23 on the short day and 25 on the long one.
package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Schedule is a parsed expression. It is immutable.
type Schedule struct {
	minute, hour, day, month, weekday uint64 // bit n is set where n is meant
	everyHour                         bool   // the hour is *
	either                            bool   // the day of the month or the day of the week will do
}

// field is what one of the five may hold.
type field struct {
	name     string
	min, max int
	names    []string // of min and what follows
}

var (
	months   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

func fields() [5]field {
	return [5]field{
		{"minute", 0, 59, nil}, {"hour", 0, 23, nil}, {"day of the month", 1, 31, nil},
		{"month", 1, 12, months}, {"day of the week", 0, 7, weekdays},
	}
}

// words are the expressions that have names.
func words(name string) (string, bool) {
	switch name {
	case "@hourly":
		return "0 * * * *", true
	case "@daily", "@midnight":
		return "0 0 * * *", true
	case "@weekly":
		return "0 0 * * 0", true
	case "@monthly":
		return "0 0 1 * *", true
	case "@yearly", "@annually":
		return "0 0 1 1 *", true
	}
	return "", false
}

const longest = 256 // bytes of an expression

// Parse reads an expression. The error says what is wrong in which field.
func Parse(text string) (*Schedule, error) {
	if len(text) > longest {
		return nil, fmt.Errorf("it is longer than %d bytes", longest)
	}
	if strings.HasPrefix(text, "@") {
		named, ok := words(text)
		if !ok {
			return nil, fmt.Errorf("%q is not one of @hourly, @daily, @weekly, @monthly and @yearly", text)
		}
		text = named
	}
	parts := strings.Fields(text)
	if len(parts) != 5 {
		return nil, fmt.Errorf("it has %d fields, not five: minute, hour, day of the month, month, day of the week", len(parts))
	}
	var sets [5]uint64
	for i, f := range fields() {
		set, err := f.parse(parts[i])
		if err != nil {
			return nil, fmt.Errorf("the %s: %w", f.name, err)
		}
		sets[i] = set
	}
	if sets[4]&(1<<7) != 0 {
		sets[4] = sets[4]&^(1<<7) | 1
	}
	s := &Schedule{minute: sets[0], hour: sets[1], day: sets[2], month: sets[3], weekday: sets[4], everyHour: parts[1] == "*"}
	s.either = !strings.HasPrefix(parts[2], "*") && !strings.HasPrefix(parts[4], "*")
	if !s.comes() {
		return nil, errors.New("no month that it names has that day")
	}
	return s, nil
}

// comes reports whether there is such a day at all.
func (s *Schedule) comes() bool {
	if s.either {
		return true
	}
	for m := 1; m <= 12; m++ {
		if s.month&(1<<m) != 0 && s.day&(1<<(daysIn(m)+1)-1)&^1 != 0 {
			return true
		}
	}
	return false
}

// daysIn returns the days of a month in a leap year.
func daysIn(month int) int {
	return time.Date(2024, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func (f *field) parse(text string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		one, err := f.part(part)
		if err != nil {
			return 0, err
		}
		set |= one
	}
	return set, nil
}

// part reads one element of a list.
func (f *field) part(text string) (uint64, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || n < 1 || n > f.max || strings.HasPrefix(stepText, "+") {
			return 0, fmt.Errorf("%q is no step", stepText)
		}
		step = n
	}
	low, high := f.min, f.max
	switch from, to, ranged := strings.Cut(span, "-"); {
	case span == "*":
		if f.max == 7 {
			high = 6
		}
	case ranged:
		var err error
		if low, err = f.value(from); err != nil {
			return 0, err
		}
		if high, err = f.value(to); err != nil {
			return 0, err
		}
		if low > high {
			return 0, fmt.Errorf("%q runs backwards; write it as two, such as 22-23,0-2", span)
		}
	default:
		n, err := f.value(span)
		if err != nil {
			return 0, err
		}
		if stepped {
			return 0, fmt.Errorf("%q: a step needs a range, such as %d-%d/%d", text, n, f.max, step)
		}
		low, high = n, n
	}
	var set uint64
	for n := low; n <= high; n += step {
		set |= 1 << n
	}
	return set, nil
}

// value reads a number or a name.
func (f *field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || len(text) > 2 || n < 0 || text[0] == '+' || text[0] == '-' {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	if n < f.min || n > f.max {
		return 0, fmt.Errorf("%d is not from %d to %d", n, f.min, f.max)
	}
	return n, nil
}

// horizon is how many days are looked through: the 29th of February may be eight years away.
const horizon = 9 * 366

// Next returns the first moment after t that is meant, by the clocks of loc; the zero time where none is within reach.
func (s *Schedule) Next(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	if s.everyHour {
		return s.nextRunning(t, loc)
	}
	// A day earlier, since at a change of the clock a time of yesterday may be put off to today.
	y, m, d := t.AddDate(0, 0, -1).Date()
	for i := range horizon {
		date := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC)
		if !s.onDay(date) {
			continue
		}
		best := time.Time{}
		for hours := s.hour; hours != 0; hours &= hours - 1 {
			for minutes := s.minute; minutes != 0; minutes &= minutes - 1 {
				wall := date.Add(time.Duration(bits.TrailingZeros64(hours))*time.Hour + time.Duration(bits.TrailingZeros64(minutes))*time.Minute)
				at := moment(wall, loc)
				if at.After(t) && (best.IsZero() || at.Before(best)) {
					best = at
				}
			}
		}
		if !best.IsZero() {
			return best
		}
	}
	return time.Time{}
}

// nextRunning finds the next moment where each hour that passes counts.
func (s *Schedule) nextRunning(t time.Time, loc *time.Location) time.Time {
	at := t.Truncate(time.Minute).Add(time.Minute).In(loc)
	end := at.AddDate(0, 0, horizon)
	for at.Before(end) {
		y, m, d := at.Date()
		if !s.onDay(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) {
			at = moment(time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC), loc)
			continue
		}
		if s.minute&(1<<at.Minute()) != 0 {
			return at
		}
		at = at.Add(time.Minute)
	}
	return time.Time{}
}

// onDay reports whether a date is meant.
func (s *Schedule) onDay(date time.Time) bool {
	if s.month&(1<<int(date.Month())) == 0 {
		return false
	}
	day, weekday := s.day&(1<<date.Day()) != 0, s.weekday&(1<<int(date.Weekday())) != 0
	if s.either {
		return day || weekday
	}
	return day && weekday
}

// moment returns when the clocks of loc show what wall, written in UTC, shows: the first time they do, or, where they
// never do, when they were put forward past it.
func moment(wall time.Time, loc *time.Location) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(loc).Zone()
	_, after := wall.Add(24 * time.Hour).In(loc).Zone()
	first := wall.Add(-time.Duration(max(before, after)) * time.Second).In(loc)
	second := wall.Add(-time.Duration(min(before, after)) * time.Second).In(loc)
	for _, at := range []time.Time{first, second} {
		if shows(at, wall) {
			return at
		}
	}
	// In the gap: by the old offset it lies past the change, whose moment is where the new offset begins.
	start, _ := second.ZoneBounds()
	if start.IsZero() {
		return second
	}
	return start.In(loc)
}

func shows(at, wall time.Time) bool {
	_, offset := at.Zone()
	return at.Add(time.Duration(offset) * time.Second).Equal(wall)
}
