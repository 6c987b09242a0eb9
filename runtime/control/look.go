package control

import (
	"bytes"
	"strings"

	"github.com/flowrun/flowrun/runtime"
)

// look returns Config.Fields for a list that is narrowed by fields. Events that are not indexed yet are looked into one
// by one, and most have nothing of what is asked for: whether they might is seen faster than what they have.
func (h *Handler) look(where []runtime.Field) func(*runtime.Event) []runtime.Field {
	if h.cfg.Fields == nil || len(where) == 0 {
		return h.cfg.Fields
	}
	return func(e *runtime.Event) []runtime.Field {
		for _, f := range where {
			if !mayHold(e.Payload, f.Value) {
				return nil
			}
		}
		return h.cfg.Fields(e)
	}
}

// mayHold reports whether a JSON text can have a value. It says no only where the value is a word that must stand in the
// text as it is: one that is no number, which can be written in many ways, nor an address, whose case does not count.
func mayHold(text []byte, value string) bool {
	letter := false
	for _, c := range []byte(value) {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
			letter = true
		case c >= '0' && c <= '9' || c == '-':
		default:
			return true
		}
	}
	if !letter || strings.Trim(value, "0123456789-eE") == "" {
		return true
	}
	return bytes.Contains(text, []byte(value)) || bytes.Contains(text, []byte(`\u`))
}
