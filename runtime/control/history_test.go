package control

import (
	"testing"
)

// Pages of history follow upon each other, and leave nothing out.
func TestHistoryPages(t *testing.T) {
	c := client(t, New(config(records(t))), "")
	for _, tt := range []struct {
		since string
		want  string
	}{
		{"", "evt_1 evt_2 evt_3 evt_4 evt_5 "},
		{"2026-11-03T02:02:01Z", "evt_3 evt_4 evt_5 "},
		{"2026-11-03T02:02:02Z", "evt_4 evt_5 "},
		{"2000-01-01T00:00:00Z", "evt_1 evt_2 evt_3 evt_4 evt_5 "},
		{"2999-01-01T00:00:00Z", ""},
	} {
		got, cursor := "", ""
		for {
			page, err := c.History(t.Context(), tt.since, cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				if got += e.ID + " "; len(e.Payload) == 0 {
					t.Errorf("%s has no payload", e.ID)
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if got != tt.want {
			t.Errorf("since %q: %q, want %q", tt.since, got, tt.want)
		}
	}
}
