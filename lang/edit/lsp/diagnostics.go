package lsp

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

// mark has a project checked once nobody types.
func (s *Server) mark(p *project) {
	p.stale = true
	s.timer = s.After(Pause)
}

// check checks what has changed and shows what it finds. It stops where a message waits.
func (s *Server) check() {
	for _, p := range s.projects {
		if !p.stale {
			continue
		}
		found, done := p.work.Diagnostics(s.in.pending)
		if !done {
			s.timer = s.After(0)
			return
		}
		if p.lone {
			withoutStrangers(found)
		}
		p.stale, p.found = false, found
		for _, d := range p.unread {
			name := d.Subject.Filename
			if _, ok := p.work.Text(name); !ok {
				found[name] = append(found[name], d)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(found)) {
			s.publish(p, name, found[name])
		}
		for _, name := range slices.Sorted(maps.Keys(p.published)) {
			if len(found[name]) == 0 {
				s.publish(p, name, nil)
			}
		}
	}
}

// withoutStrangers drops what is said of tests whose recipe nobody has opened.
func withoutStrangers(found map[string]hcl.Diagnostics) {
	for name, list := range found {
		list = slices.DeleteFunc(list, func(d *hcl.Diagnostic) bool {
			m, _ := diag.MetaOf(d)
			return m.Code == diag.TestOfNothing
		})
		if found[name] = list; len(list) == 0 {
			delete(found, name)
		}
	}
}

// publish shows what is wrong with a file, unless the editor shows just that.
func (s *Server) publish(p *project, name string, diags hcl.Diagnostics) {
	text, _ := p.work.Text(name)
	l := s.enc.lines(text)
	out := publishParams{URI: s.uri(p, name), Diagnostics: []diagnostic{}}
	if d := s.docs[strings.TrimSuffix(p.dir, "/")+"/"+name]; d != nil {
		out.Version = &d.version
	}
	for _, d := range diags {
		out.Diagnostics = append(out.Diagnostics, shown(l, d))
	}
	if len(diags) == 0 {
		delete(p.published, name)
	} else {
		if reflect.DeepEqual(p.published[name], out.Diagnostics) {
			return
		}
		p.published[name] = out.Diagnostics
	}
	s.send(nil, "textDocument/publishDiagnostics", out)
}

func shown(l *lines, d *hcl.Diagnostic) diagnostic {
	m, _ := diag.MetaOf(d)
	out := diagnostic{Range: l.of(*d.Subject), Severity: 1, Code: string(m.Code), Source: "flowrun", Message: d.Summary + ". " + d.Detail}
	if d.Severity == hcl.DiagWarning {
		out.Severity = 2
	}
	if m.Code == diag.UnusedLocal {
		out.Tags = []int{1}
	}
	return out
}

// uri returns how the editor names a file of a project.
func (s *Server) uri(p *project, name string) string {
	file := strings.TrimSuffix(p.dir, "/") + "/" + name
	if d := s.docs[file]; d != nil {
		return d.uri
	}
	return uriOf(file)
}
