// Package diag is how flowrun says that a recipe is wrong: the table of codes, constructors that make a coded
// hcl.Diagnostic, a stable order, and the renderers (text, JSON, SARIF, GitHub).
//
// A message has a constant summary without user names, so that two mistakes of one kind look alike; a detail that says
// what, why and how to mend it; the tightest range; and a code that `flowrun explain` knows. The package knows no
// recipe and no shape: it is told.
package diag

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Code is the stable name of one kind of mistake, such as "FR2103". Codes are never reused.
type Code string

// Meta rides in hcl.Diagnostic.Extra and carries what hcl has no place for.
type Meta struct {
	Code Code

	// Context names the block that holds the mistake in the author's words, such as `in action "customerio_track"`.
	// It may be empty.
	Context string

	// Replacement, where not empty, is the text that mends the mistake when it takes the place of the subject.
	Replacement string
}

// New returns a diagnostic of the code's severity and summary, for the given range. The detail is a sentence or two.
func New(code Code, subject hcl.Range, detail string) *hcl.Diagnostic {
	entry := lookup(code)
	return &hcl.Diagnostic{
		Severity: entry.Severity,
		Summary:  entry.Summary,
		Detail:   detail,
		Subject:  &subject,
		Extra:    Meta{Code: code},
	}
}

// MetaOf returns the flowrun part of a diagnostic; ok is false for one that hcl made itself.
func MetaOf(d *hcl.Diagnostic) (m Meta, ok bool) {
	m, ok = d.Extra.(Meta)
	return m, ok
}

// In sets the context of every diagnostic that has none yet.
func In(context string, diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		if m, ok := MetaOf(d); ok && m.Context == "" {
			m.Context = context
			d.Extra = m
		}
	}
	return diags
}

// Sort orders diagnostics by file, place, code and text, so that output is the same in every run.
func Sort(diags hcl.Diagnostics) {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		ra, rb := rangeOf(a), rangeOf(b)
		ma, _ := MetaOf(a)
		mb, _ := MetaOf(b)
		return cmp.Or(
			cmp.Compare(ra.Filename, rb.Filename),
			cmp.Compare(ra.Start.Byte, rb.Start.Byte),
			cmp.Compare(ra.End.Byte, rb.End.Byte),
			cmp.Compare(ma.Code, mb.Code),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
}

func rangeOf(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}
