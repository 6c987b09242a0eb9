package lsp

// Which texts there are: what editors have open lies over what is on disk. A project is a folder with a flowrun.hcl. A
// file that is in none is looked at together with those of its folder that are open, since other tools write .hcl, too.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/edit"
	"github.com/flowrun/flowrun/lang/syntax"
)

// project is one folder of recipes.
type project struct {
	dir       string // slash-separated and absolute
	lone      bool   // it has no flowrun.hcl: nobody knows what else in the folder is a recipe
	work      *edit.Workspace
	unread    hcl.Diagnostics            // what could not be read from disk
	found     map[string]hcl.Diagnostics // by file, when it was checked last
	published map[string][]diagnostic    // what the editor shows, by file
	stale     bool                       // something has changed since
}

// doc is a text that an editor has open.
type doc struct {
	uri     string
	path    string // slash-separated and absolute
	version int
	text    []byte
	project *project
	name    string // in the project; empty where it is no part of it
}

// pathOf returns the slash-separated path that a URI means; ok is false for one that is no file's.
func pathOf(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return "", false
	}
	p := u.Path
	if len(p) > 2 && p[0] == '/' && p[2] == ':' { // /c:/folder
		p = strings.ToUpper(p[1:2]) + p[2:]
	}
	return path.Clean(p), true
}

// uriOf is the inverse of pathOf.
func uriOf(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// part reports whether a file, by its path in a project, is one of those that are read: recipes and their tests.
func part(name string) bool {
	dirs := strings.Split(name, "/")
	base := dirs[len(dirs)-1]
	for _, d := range dirs[:len(dirs)-1] {
		if strings.HasPrefix(d, ".") || strings.HasPrefix(d, "_") {
			return false
		}
	}
	return strings.HasSuffix(base, ".hcl") && base != ".hcl"
}

// dirOf returns the folder of the project that a file belongs to: the nearest one above it that holds flowrun.hcl, not
// above the folder that was opened. Where there is none ok is false, and the folder is the file's own.
func (s *Server) dirOf(file string) (dir string, ok bool) {
	top := "/"
	for _, f := range s.folders {
		if inside(file, f) {
			top = f
			break
		}
	}
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if s.has(dir) {
			return dir, true
		}
		if dir == top || dir == path.Dir(dir) {
			return path.Dir(file), false
		}
	}
}

// has reports whether a folder holds flowrun.hcl, on disk or in an editor.
func (s *Server) has(dir string) bool {
	if s.docs[path.Join(dir, syntax.ConfigFile)] != nil {
		return true
	}
	info, err := fs.Stat(s.Dir(filepath.FromSlash(dir)), syntax.ConfigFile)
	return err == nil && !info.IsDir()
}

func inside(file, dir string) bool {
	return strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/")
}

// projectOf returns the project of a file; it is read from disk where it is new.
func (s *Server) projectOf(file string) *project {
	dir, ok := s.dirOf(file)
	for _, p := range s.projects {
		if p.dir == dir {
			return p
		}
	}
	p := &project{dir: dir, lone: !ok, work: edit.NewWorkspace(s.Catalog), published: map[string][]diagnostic{}}
	fsys := s.Dir(filepath.FromSlash(dir))
	p.work.ReadFile = func(name string) ([]byte, error) { return readFile(fsys, path.Clean(name), maxFixture) }
	if ok {
		for _, load := range []func(fs.FS) (map[string][]byte, hcl.Diagnostics){syntax.Load, syntax.LoadTests} {
			files, unread := load(fsys)
			p.unread = append(p.unread, unread...)
			for name, text := range files {
				p.work.Set(name, text)
			}
		}
	}
	s.projects = append(s.projects, p)
	s.mark(p)
	return p
}

// open takes a text over from the editor.
func (s *Server) open(d document) error {
	file, ok := pathOf(d.URI)
	if !ok {
		return nil // an unsaved buffer without a name, a file within version control
	}
	dc := &doc{uri: d.URI, path: file, version: d.Version, text: []byte(d.Text)}
	s.docs[file] = dc
	if path.Base(file) == syntax.ConfigFile {
		s.regroup()
	}
	s.adopt(dc)
	return nil
}

// adopt finds the project of an open text and puts the text into it.
func (s *Server) adopt(dc *doc) {
	dc.project, dc.name = nil, ""
	if !strings.HasSuffix(dc.path, ".hcl") {
		return
	}
	p := s.projectOf(dc.path)
	dc.project = p
	if name := strings.TrimPrefix(dc.path, strings.TrimSuffix(p.dir, "/")+"/"); part(name) {
		dc.name = name
		p.work.Set(name, dc.text)
		s.mark(p)
	}
}

// regroup begins anew: a flowrun.hcl has come or gone, so that files may belong to another project.
func (s *Server) regroup() {
	for _, p := range s.projects {
		for _, name := range slices.Sorted(maps.Keys(p.published)) {
			s.publish(p, name, nil)
		}
	}
	s.projects = nil
	for _, file := range slices.Sorted(maps.Keys(s.docs)) {
		s.adopt(s.docs[file])
	}
}

func (s *Server) change(p changeParams) error {
	d, err := s.doc(p.TextDocument.URI)
	if d == nil || err != nil {
		return err
	}
	for _, c := range p.Changes {
		if c.Range == nil {
			d.text = []byte(c.Text)
			continue
		}
		start, end := s.enc.offset(d.text, c.Range.Start), s.enc.offset(d.text, c.Range.End)
		if end < start {
			return &rpcError{codeInvalidParams, "a change ends before it begins"}
		}
		d.text = slices.Concat(d.text[:start], []byte(c.Text), d.text[end:])
	}
	d.version = p.TextDocument.Version
	if d.name != "" {
		d.project.work.Set(d.name, d.text)
		s.mark(d.project)
	}
	return nil
}

// close gives a file back to the disk.
func (s *Server) close(uri string) error {
	d, err := s.doc(uri)
	if d == nil || err != nil {
		return err
	}
	delete(s.docs, d.path)
	s.reread(d.path)
	return nil
}

// reread takes a file from disk that no editor has open.
func (s *Server) reread(file string) {
	if !strings.HasSuffix(file, ".hcl") { // a fixture, which tests read
		for _, p := range s.projects {
			if inside(file, p.dir) {
				s.mark(p)
			}
		}
		return
	}
	if s.docs[file] != nil {
		return
	}
	if path.Base(file) == syntax.ConfigFile {
		known := slices.ContainsFunc(s.projects, func(p *project) bool { return p.dir == path.Dir(file) })
		if known != s.has(path.Dir(file)) {
			s.regroup()
		}
	}
	for _, p := range s.projects {
		name := strings.TrimPrefix(file, strings.TrimSuffix(p.dir, "/")+"/")
		if !inside(file, p.dir) || !part(name) {
			continue
		}
		if p.lone {
			p.work.Remove(name)
			s.mark(p)
			continue
		}
		text, err := readFile(s.Dir(filepath.FromSlash(p.dir)), name, syntax.MaxFileBytes)
		switch {
		case err == nil:
			p.work.Set(name, text)
		default:
			p.work.Remove(name)
		}
		s.mark(p)
	}
}

// maxFixture is how much of a fixture is read.
const maxFixture = 4 << 20

// readFile reads a file that has most bytes at most; of a larger one so much that this is found.
func readFile(fsys fs.FS, name string, most int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a regular file", name), err)
	}
	return io.ReadAll(io.LimitReader(f, most+1))
}

// doc returns an open text, or nil where the editor speaks of one that is none of ours.
func (s *Server) doc(uri string) (*doc, error) {
	file, ok := pathOf(uri)
	if !ok {
		return nil, nil
	}
	d := s.docs[file]
	if d == nil {
		return nil, &rpcError{codeInvalidParams, fmt.Sprintf("%s is not open", uri)}
	}
	return d, nil
}
