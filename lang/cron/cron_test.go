package cron_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/lang/cron"
)

func in(t *testing.T, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestNext lists what comes after a moment. Expected times carry their offset, so that the two hours of one name differ.
func TestNext(t *testing.T) {
	for _, c := range []struct {
		name, expr, zone, after string
		want                    []string
	}{
		{"daily", "30 2 * * *", "UTC", "2026-01-31T02:30:00Z", []string{"2026-02-01T02:30:00Z"}},
		{"list, range and step", "0,30 9-17/4 * * mon-fri", "UTC", "2026-11-27T13:15:00Z",
			[]string{"2026-11-27T13:30:00Z", "2026-11-27T17:00:00Z", "2026-11-27T17:30:00Z", "2026-11-30T09:00:00Z"}},
		{"either day", "0 0 13 * 5", "UTC", "2026-02-01T00:00:00Z", []string{"2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z"}},
		{"both days where one is a star with a step", "0 0 */2 * 5", "UTC", "2026-02-01T00:00:00Z", []string{"2026-02-13T00:00:00Z", "2026-02-27T00:00:00Z"}},
		{"sunday as 7", "0 0 * * 7", "UTC", "2026-11-24T00:00:00Z", []string{"2026-11-29T00:00:00Z"}},
		{"leap day", "0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{"by name", "@monthly", "UTC", "2026-11-24T00:00:00Z", []string{"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		{"with seconds", "* * * * *", "UTC", "2026-11-24T00:00:59.5Z", []string{"2026-11-24T00:01:00Z"}},

		{"02:30 in the gap", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"two in one gap come once", "15,45 2 * * *", "America/New_York", "2026-03-07T12:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00"}},
		{"put off to what comes anyway", "0 2,3 * * *", "America/New_York", "2026-03-07T12:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"}},
		{"01:30 twice comes once", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00",
			[]string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"between the two", "30 1 * * *", "America/New_York", "2026-11-01T01:00:00-05:00", []string{"2026-11-02T01:30:00-05:00"}},
		{"each hour of the long day", "0 * * * *", "America/New_York", "2026-11-01T00:30:00-04:00",
			[]string{"2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"}},
		{"each hour of the short day", "30 * * * *", "America/New_York", "2026-03-08T00:45:00-05:00",
			[]string{"2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00"}},
		{"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"midnight in the gap", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00-04:00",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"a day that was skipped", "0 12 30 12 *", "Pacific/Apia", "2011-12-29T13:00:00-10:00", []string{"2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"}},
		{"each hour, midnight in the gap", "0 * 6 * *", "America/Santiago", "2026-09-05T12:00:00-04:00", []string{"2026-09-06T01:00:00-03:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := cron.Parse(c.expr)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339Nano, c.after)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.want {
				at = s.Next(at, in(t, c.zone))
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("number %d is %s, want %s", i+1, got, want)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for expr, want := range map[string]string{
		"":                       "0 fields",
		"* * * *":                "4 fields",
		"* * * * * *":            "6 fields",
		"60 * * * *":             "minute: 60 is not from 0 to 59",
		"0 25 * * *":             "hour: 25",
		"0 0 0 * *":              "day of the month: 0",
		"0 0 1 13 *":             "month: 13",
		"0 0 * * 8":              "day of the week: 8",
		"0 0 30 2 *":             "no month",
		"0 0 31 2,4 *":           "no month",
		"0 22-2 * * *":           "backwards",
		"*/0 * * * *":            "step",
		"*/+5 * * * *":           "step",
		"5/10 * * * *":           "needs a range",
		"+5 * * * *":             "not a number",
		"-5 * * * *":             "not a number",
		"1, * * * *":             "not a number",
		"0 0 * * monday":         "not a number",
		"@every 5m":              "not one of",
		"@Daily":                 "not one of",
		"TZ=0 * * * * *":         "6 fields",
		"\x00 * * * *":           "not a number",
		strings.Repeat("9", 300): "longer",
	} {
		if _, err := cron.Parse(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", expr, err, want)
		}
	}
}

// FuzzParse: whatever parses has a next moment, which is later, and the same when asked again from just before it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"* * * * *", "*/5 8-18 1,15 jan-mar mon", "0 0 29 2 *", "@daily", "59 23 31 12 7", "0 0 31 * 5"} {
		f.Add(seed, int64(1_772_954_000), uint8(0))
	}
	zones := []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"}
	f.Fuzz(func(t *testing.T, expr string, unix int64, zone uint8) {
		s, err := cron.Parse(expr)
		if err != nil {
			return
		}
		loc := in(t, zones[int(zone)%len(zones)])
		at := time.Unix(unix%4_000_000_000, 0)
		next := s.Next(at, loc)
		if !next.After(at) {
			t.Fatalf("%q after %s is %s", expr, at, next)
		}
		if again := s.Next(next.Add(-time.Second), loc); !again.Equal(next) {
			t.Fatalf("%q: %s, asked again from just before: %s", expr, next, again)
		}
	})
}
