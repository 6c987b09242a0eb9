package connectors_test

import (
	"testing"

	"github.com/flowrun/flowrun/connectors"
)

func TestBindKeepsWhatTheServiceMakes(t *testing.T) {
	r, err := connectors.NewRegistry(
		&connectors.Spec{Name: "keeps", Keep: func(c *connectors.Conn) any { return c.Name + " kept" }},
		&connectors.Spec{Name: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]any{"keeps": "here kept", "plain": nil, "unknown": nil} {
		c := &connectors.Conn{Name: "here", Service: service}
		if r.Bind(c); c.Kept != want {
			t.Errorf("%s: kept %v, want %v", service, c.Kept, want)
		}
	}
}
