package stripe

import (
	"testing"

	"github.com/flowrun/flowrun/connectors"
)

func TestLimitsOfAConnection(t *testing.T) {
	for _, c := range []struct {
		key, base, class string
		rate             float64
	}{
		{"sk_live_1", "", "", 100},
		{"sk_live_1", defaultBaseURL + "/", "", 100},
		{"rk_test_1", defaultBaseURL, "", testRate},
		{"rk_test_1", "", limitSearch, 20},
		{"sk_live_1", "", connectors.EachEndpoint, 25},
		{"rk_test_1", "", connectors.EachEndpoint, 25},
		{"sk_live_1", "https://proxy.example.com", connectors.EachEndpoint, 0},
		{"rk_test_1", "http://127.0.0.1:12111", "", 0},
		{"sk_live_1", "https://proxy.example.com", limitFiles, 0},
	} {
		conn := &connectors.Conn{Settings: map[string][]string{settingKey: {c.key}, settingBaseURL: {c.base}}}
		if l := limitFor(conn, c.class); l.Rate != c.rate {
			t.Errorf("%s at %q, class %q: %g a second, want %g", c.key, c.base, c.class, l.Rate, c.rate)
		}
	}
}
