package diag

// The renderers for machines. Their shapes are contracts: Terraform's validate format, so that editors and CI jobs that
// know Terraform know flowrun; SARIF 2.1.0 for code scanning; workflow commands for GitHub.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// longestSnippet is how many bytes of a file one diagnostic quotes in JSON.
const longestSnippet = 8 << 10

type jsonOutput struct {
	FormatVersion string           `json:"format_version"`
	Valid         bool             `json:"valid"`
	ErrorCount    int              `json:"error_count"`
	WarningCount  int              `json:"warning_count"`
	Diagnostics   []jsonDiagnostic `json:"diagnostics"`
}

type jsonDiagnostic struct {
	Severity string       `json:"severity"`
	Code     string       `json:"code,omitempty"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Range    *jsonRange   `json:"range,omitempty"`
	Snippet  *jsonSnippet `json:"snippet,omitempty"`
}

type jsonRange struct {
	Filename string  `json:"filename"`
	Start    jsonPos `json:"start"`
	End      jsonPos `json:"end"`
}

type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

type jsonSnippet struct {
	Context              *string `json:"context"`
	Code                 string  `json:"code"`
	StartLine            int     `json:"start_line"`
	HighlightStartOffset int     `json:"highlight_start_offset"`
	HighlightEndOffset   int     `json:"highlight_end_offset"`
}

// WriteJSON writes diagnostics as one JSON object in Terraform's validate format, in the order given. Offsets in a
// snippet count bytes of its code.
func WriteJSON(w io.Writer, diags hcl.Diagnostics, files map[string][]byte) error {
	out := jsonOutput{FormatVersion: "1.0", Diagnostics: []jsonDiagnostic{}}
	for _, d := range diags {
		if d.Severity == hcl.DiagWarning {
			out.WarningCount++
		} else {
			out.ErrorCount++
		}
		m, _ := MetaOf(d)
		j := jsonDiagnostic{Severity: severity(d), Code: string(m.Code), Summary: d.Summary, Detail: d.Detail}
		if d.Subject != nil {
			rng := *d.Subject
			j.Range = &jsonRange{Filename: rng.Filename, Start: jsonPos(rng.Start), End: jsonPos(rng.End)}
			j.Snippet = snippetOf(rng, m.Context, files)
		}
		out.Diagnostics = append(out.Diagnostics, j)
	}
	out.Valid = out.ErrorCount == 0
	return writeIndented(w, out)
}

func snippetOf(rng hcl.Range, context string, files map[string][]byte) *jsonSnippet {
	src, ok := files[rng.Filename]
	if !ok || !placed(rng, src) {
		return nil
	}
	_, start := lineAt(src, rng.Start.Byte)
	last, lastStart := lineAt(src, rng.End.Byte)
	end := max(lastStart+len(last), rng.End.Byte)
	if rng.End.Byte == lastStart && rng.End.Byte > rng.Start.Byte {
		end = rng.End.Byte - 1 // the range ends with a line end
	}
	if end-start > longestSnippet {
		return nil
	}
	s := &jsonSnippet{
		Code: string(src[start:end]), StartLine: rng.Start.Line,
		HighlightStartOffset: min(rng.Start.Byte, end) - start, HighlightEndOffset: min(rng.End.Byte, end) - start,
	}
	if context != "" {
		s.Context = &context
	}
	return s
}

func writeIndented(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding diagnostics: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// object keeps SARIF literals readable; encoding/json sorts the members, so that output is stable.
type object = map[string]any

// WriteSARIF writes diagnostics as a SARIF 2.1.0 log, in the order given. Columns count UTF-16 code units where the file
// is known, as SARIF has it by default.
func WriteSARIF(w io.Writer, diags hcl.Diagnostics, files map[string][]byte) error {
	results, rules, index := []object{}, []object{}, map[Code]int{}
	for _, d := range diags {
		m, _ := MetaOf(d)
		result := object{
			"level":   severity(d),
			"message": object{"text": strings.TrimSpace(d.Summary + ". " + d.Detail)},
		}
		if m.Code != "" {
			i, ok := index[m.Code]
			if !ok {
				i = len(rules)
				index[m.Code] = i
				rules = append(rules, rule(m.Code))
			}
			result["ruleId"], result["ruleIndex"] = m.Code, i
		}
		if d.Subject != nil && d.Subject.Filename != "" {
			artifact := object{"uri": uri(d.Subject.Filename)}
			region := region(*d.Subject, files)
			result["locations"] = []object{{"physicalLocation": object{"artifactLocation": artifact, "region": region}}}
			if m.Replacement != "" {
				result["fixes"] = []object{{"artifactChanges": []object{{
					"artifactLocation": artifact,
					"replacements":     []object{{"deletedRegion": region, "insertedContent": object{"text": m.Replacement}}},
				}}}}
			}
		}
		results = append(results, result)
	}
	return writeIndented(w, object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool":       object{"driver": object{"name": "flowrun", "rules": rules}},
			"columnKind": "utf16CodeUnits",
			"results":    results,
		}},
	})
}

func rule(code Code) object {
	e := lookup(code)
	r := object{
		"id":                   code,
		"shortDescription":     object{"text": e.Summary},
		"defaultConfiguration": object{"level": severity(&hcl.Diagnostic{Severity: e.Severity})},
	}
	if e.Cause != "" {
		r["fullDescription"] = object{"text": e.Cause}
	}
	return r
}

func region(rng hcl.Range, files map[string][]byte) object {
	startColumn, endColumn := rng.Start.Column, rng.End.Column
	if src, ok := files[rng.Filename]; ok && placed(rng, src) {
		startColumn, endColumn = utf16Column(src, rng.Start.Byte), utf16Column(src, rng.End.Byte)
	}
	return object{
		"startLine": max(1, rng.Start.Line), "startColumn": max(1, startColumn),
		"endLine": max(1, rng.End.Line), "endColumn": max(1, endColumn),
	}
}

func utf16Column(src []byte, offset int) int {
	_, start := lineAt(src, offset)
	n := 1
	for b := src[start:offset]; len(b) > 0; {
		r, size := utf8.DecodeRune(b)
		n += max(1, utf16.RuneLen(r))
		b = b[size:]
	}
	return n
}

// uri makes a relative reference of a slash-separated path.
func uri(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// WriteGitHub writes diagnostics as workflow commands, one a line, in the order given: GitHub shows them on the lines
// of a pull request. The files are not quoted; the parameter is there so that all renderers have one shape.
func WriteGitHub(w io.Writer, diags hcl.Diagnostics, _ map[string][]byte) error {
	data := strings.NewReplacer("%", "%25", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b bytes.Buffer
	for _, d := range diags {
		m, _ := MetaOf(d)
		var properties []string
		set := func(name, value string) { properties = append(properties, name+"="+property.Replace(clean(value))) }
		if d.Subject != nil && d.Subject.Filename != "" {
			rng := *d.Subject
			set("file", rng.Filename)
			if rng.Start.Line > 0 {
				set("line", fmt.Sprint(rng.Start.Line))
				set("endLine", fmt.Sprint(max(rng.End.Line, rng.Start.Line)))
				if rng.End.Line == rng.Start.Line && rng.Start.Column > 0 {
					set("col", fmt.Sprint(rng.Start.Column))
					set("endColumn", fmt.Sprint(max(rng.End.Column, rng.Start.Column)))
				}
			}
		}
		set("title", strings.TrimSpace(string(m.Code)+" "+d.Summary))
		detail := d.Detail
		if detail == "" {
			detail = d.Summary
		}
		fmt.Fprintf(&b, "::%s %s::%s\n", severity(d), strings.Join(properties, ","), data.Replace(clean(detail)))
	}
	_, err := w.Write(b.Bytes())
	return err
}
