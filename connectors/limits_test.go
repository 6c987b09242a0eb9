package connectors

import "testing"

func TestLimitHoldsAtTheVendorsAddress(t *testing.T) {
	for name, c := range map[string]struct {
		unless   string
		settings map[string][]string
		holds    bool
	}{
		"no such setting": {"", map[string][]string{"app_url": {"http://127.0.0.1"}}, true},
		"not set":         {"app_url", nil, true},
		"empty":           {"app_url", map[string][]string{"app_url": {""}}, true},
		"set":             {"app_url", map[string][]string{"app_url": {"http://127.0.0.1"}}, false},
		"another is set":  {"app_url", map[string][]string{"track_url": {"http://127.0.0.1"}}, true},
	} {
		l := Limit{Rate: 1, Burst: 1, Unless: c.unless}
		if got := l.Of(&Conn{Settings: c.settings}) == l; got != c.holds {
			t.Errorf("%s: holds %v, want %v", name, got, c.holds)
		}
	}
}
