package check

import (
	"bytes"
	"regexp"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

// ignore leaves out the warnings that a comment on their line, or on the line above, says to ignore:
//
//	# flowrun:ignore FR5002 because the next release reads it
//
// The reason is required. Errors can't be ignored.
func ignore(diags hcl.Diagnostics, files map[string][]byte) hcl.Diagnostics {
	pattern := regexp.MustCompile(`(?:#|//)\s*flowrun:ignore\s+(FR\d{4})\s+because\s+\S`)
	lines := map[string][][]byte{}
	var out hcl.Diagnostics
	for _, d := range diags {
		m, _ := diag.MetaOf(d)
		if d.Severity == hcl.DiagWarning && d.Subject != nil {
			name := d.Subject.Filename
			if _, ok := lines[name]; !ok {
				lines[name] = bytes.Split(files[name], []byte("\n"))
			}
			if says(pattern, lines[name], d.Subject.Start.Line, m.Code) || says(pattern, lines[name], d.Subject.Start.Line-1, m.Code) {
				continue
			}
		}
		out = append(out, d)
	}
	return out
}

func says(pattern *regexp.Regexp, lines [][]byte, line int, code diag.Code) bool {
	if line < 1 || line > len(lines) {
		return false
	}
	for _, found := range pattern.FindAllSubmatch(lines[line-1], -1) {
		if string(found[1]) == string(code) {
			return true
		}
	}
	return false
}
