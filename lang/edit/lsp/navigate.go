package lsp

// Questions about names: what they are, where they are declared and read, and another name for them.

import (
	"github.com/hashicorp/hcl/v2"
)

func (s *Server) hover(p positionParams) (any, error) {
	d, at, err := s.at(p)
	if d == nil {
		return nil, err
	}
	h := d.project.work.Hover(d.name, at)
	if h == nil {
		return nil, nil
	}
	return hover{markdown(h.Text), s.enc.lines(d.text).between(h.Start, h.End)}, nil
}

func (s *Server) definition(p positionParams) (any, error) {
	d, at, err := s.at(p)
	if d == nil {
		return nil, err
	}
	return s.locations(d.project, d.project.work.Definition(d.name, at)), nil
}

type referenceParams struct {
	positionParams
	Context struct {
		Declaration bool `json:"includeDeclaration"`
	} `json:"context"`
}

func (s *Server) references(p referenceParams) (any, error) {
	d, at, err := s.at(p.positionParams)
	if d == nil {
		return nil, err
	}
	return s.locations(d.project, d.project.work.References(d.name, at, p.Context.Declaration)), nil
}

func (s *Server) highlight(p positionParams) (any, error) {
	d, at, err := s.at(p)
	if d == nil {
		return nil, err
	}
	type highlighted struct {
		Range textRange `json:"range"`
	}
	out := []highlighted{}
	l := s.enc.lines(d.text)
	for _, r := range d.project.work.References(d.name, at, true) {
		if r.Filename == d.name {
			out = append(out, highlighted{l.of(r)})
		}
	}
	return out, nil
}

// locations returns ranges as the editor names places.
func (s *Server) locations(p *project, list []hcl.Range) []location {
	out := []location{}
	known := map[string]*lines{}
	for _, r := range list {
		l := known[r.Filename]
		if l == nil {
			text, _ := p.work.Text(r.Filename)
			l = s.enc.lines(text)
			known[r.Filename] = l
		}
		out = append(out, location{s.uri(p, r.Filename), l.of(r)})
	}
	return out
}

func (s *Server) prepareRename(p positionParams) (any, error) {
	d, at, err := s.at(p)
	if d == nil {
		return nil, err
	}
	rng, ok := d.project.work.Renamable(d.name, at)
	if !ok {
		return nil, &rpcError{codeFailed, "there is no step, local, variable or connection here"}
	}
	return s.enc.lines(d.text).of(rng), nil
}

type renameParams struct {
	positionParams
	NewName string `json:"newName"`
}

func (s *Server) rename(p renameParams) (any, error) {
	d, at, err := s.at(p.positionParams)
	if d == nil {
		return nil, err
	}
	edits, err := d.project.work.Rename(d.name, at, p.NewName)
	if err != nil {
		return nil, err
	}
	return s.workspaceEdit(d.project, edits), nil
}
