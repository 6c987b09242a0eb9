package diag

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sarifSchema is the standard's own.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "schema", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	const at = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat() // such as that of URIs
	if err := c.AddResource(at, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestSARIFSchema validates what WriteSARIF writes against the standard's schema: the cases of the renderers, which
// include files with strange names and places beyond the end, and one message for every code.
func TestSARIFSchema(t *testing.T) {
	schema := sarifSchema(t)
	cases := renderCases(t)
	all := renderCase{name: "every code", files: map[string][]byte{"a.hcl": []byte("a = 1\nb = 2\n")}}
	for _, e := range Table() {
		d := New(e.Code, mark(t, all.files, "a.hcl", "b", 0), "A detail.")
		d.Extra = Meta{Code: e.Code, Context: "in locals", Replacement: "c"}
		all.diags = append(all.diags, d)
	}
	for _, c := range append(cases, all) {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteSARIF(&b, c.diags, c.files); err != nil {
				t.Fatal(err)
			}
			if err := validate(t, schema, b.Bytes()); err != nil {
				t.Errorf("%v\n%s", err, b.Bytes())
			}
		})
	}
}

// The schema must be able to fail, or the test above says nothing.
func TestSARIFSchemaRefuses(t *testing.T) {
	schema := sarifSchema(t)
	var b bytes.Buffer
	d := New(MayBeNull, hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 2, Byte: 1}}, "A detail.")
	if err := WriteSARIF(&b, hcl.Diagnostics{d}, nil); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"2.1.0"`, `"2.0.0"`},
		{`"level": "error"`, `"level": "fatal"`},
		{`"startLine": 1`, `"startLine": 0`},
		{`"uri": "a.hcl"`, `"uri": 1`},
		{`"results":`, `"result":`},
	} {
		changed := bytes.Replace(b.Bytes(), []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, b.Bytes()) {
			t.Errorf("%s is not in\n%s", change[0], b.Bytes())
		} else if validate(t, schema, changed) == nil {
			t.Errorf("%s is taken", change[1])
		}
	}
}
