package syntax

// Load is the only place that touches a file system, and does so through fs.FS: an unfriendly folder (devices, circles
// of links, a checkout with everything in it) must end in a diagnostic and not in a process that hangs or grows.
//
// Links to folders are not followed: they are the one way to make a folder without end. Links to files are, since
// that is how configuration is mounted in containers.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

// The largest project that is read, in bytes and files.
const (
	MaxFileBytes  = 256 << 10
	MaxTotalBytes = 32 << 20
	MaxFiles      = 20_000
)

// ConfigFile is the name of the file at the root that holds what recipes share.
const ConfigFile = "flowrun.hcl"

// TestEnding ends the names of files that hold tests.
const TestEnding = ".test.hcl"

const (
	fileEnding = ".hcl"
	mostLinks  = 40 // links followed to resolve one name, as kernels do
)

// Load reads the files of a project by their slash-separated paths: flowrun.hcl and every other *.hcl, without the
// tests (*.test.hcl) and without what lies in folders that begin with "." or "_". A file that is reached by several
// names is read once, by its own name where that is in the project and else by the first. A file that cannot be
// read, or is too large, is left out and reported; the rest is returned.
func Load(fsys fs.FS) (map[string][]byte, hcl.Diagnostics) {
	return load(fsys, func(base string) bool {
		return strings.HasSuffix(base, fileEnding) && !strings.HasSuffix(base, TestEnding) && base != fileEnding
	})
}

// LoadTests reads the tests of a project, *.test.hcl, as Load reads the rest.
func LoadTests(fsys fs.FS) (map[string][]byte, hcl.Diagnostics) {
	return load(fsys, func(base string) bool { return strings.HasSuffix(base, TestEnding) })
}

// load reads the files whose last name is wanted.
func load(fsys fs.FS, wanted func(base string) bool) (map[string][]byte, hcl.Diagnostics) {
	l := loader{fsys: fsys, wanted: wanted, files: map[string][]byte{}}
	err := fs.WalkDir(fsys, ".", l.visit)
	if err == nil {
		l.readLinks()
	}
	diag.Sort(l.diags)
	return l.files, l.diags
}

type loader struct {
	fsys   fs.FS
	wanted func(base string) bool
	files  map[string][]byte
	links  []string
	total  int
	full   bool // a cap was reached and reported
	diags  hcl.Diagnostics
}

func (l *loader) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		l.unreadable(name, err)
		if d != nil && d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	base := path.Base(name)
	if d.IsDir() {
		if name != "." && (base[0] == '.' || base[0] == '_') {
			return fs.SkipDir
		}
		return nil
	}
	if !l.wanted(base) {
		return nil
	}
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		l.links = append(l.links, name)
	case d.Type().IsRegular():
		l.read(name)
	default:
		l.unreadable(name, errors.New("it is not a regular file"))
	}
	if l.full {
		return fs.SkipAll
	}
	return nil
}

// readLinks reads the links to files, after all that are files themselves, so that a file's own name wins.
func (l *loader) readLinks() {
	seen := map[string]bool{}
	slices.Sort(l.links)
	for _, name := range l.links {
		if l.full {
			return
		}
		target, known := resolve(l.fsys, name)
		if known {
			if _, ok := l.files[target]; ok || seen[target] {
				continue
			}
			seen[target] = true
		}
		info, err := fs.Stat(l.fsys, name)
		switch {
		case err != nil:
			l.unreadable(name, err)
		case info.IsDir():
			// A folder whose name ends like a file's; see the top of this file.
		case !info.Mode().IsRegular():
			l.unreadable(name, errors.New("it is not a regular file"))
		default:
			l.read(name)
			if !known && l.twin(name) {
				l.total -= len(l.files[name])
				delete(l.files, name)
			}
		}
	}
}

// twin reports whether another file has the same last name and content; it stands in for identity where the file
// system doesn't tell where a link leads.
func (l *loader) twin(name string) bool {
	content, ok := l.files[name]
	if !ok {
		return false
	}
	for other, c := range l.files {
		if other != name && path.Base(other) == path.Base(name) && string(c) == string(content) {
			return true
		}
	}
	return false
}

// resolve returns where a name leads once all links on the way are followed. What leaves the folder is returned as it
// is written; it serves as an identity only. ok is false where the file system can't tell.
func resolve(fsys fs.FS, name string) (target string, ok bool) {
	if _, can := fsys.(fs.ReadLinkFS); !can {
		return "", false
	}
	done, rest := ".", strings.Split(name, "/")
	for hops := 0; len(rest) > 0; {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		if !fs.ValidPath(next) {
			return path.Join(append([]string{next}, rest...)...), true
		}
		info, err := fs.Lstat(fsys, next)
		if err != nil {
			return "", false
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if hops++; hops > mostLinks {
			return "", false
		}
		link, err := fs.ReadLink(fsys, next)
		if err != nil {
			return "", false
		}
		if path.IsAbs(link) {
			return path.Join(append([]string{link}, rest...)...), true
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	return done, true
}

func (l *loader) read(name string) {
	if len(l.files) >= MaxFiles {
		l.full = true
		l.diags = append(l.diags, diag.New(diag.FileTooLarge, wholeFile(name),
			fmt.Sprintf("The folder holds more than %d recipe files; this one and those after it were not read. Is it the right folder?", MaxFiles)))
		return
	}
	src, err := readCapped(l.fsys, name)
	if err != nil {
		l.unreadable(name, err)
		return
	}
	if len(src) > MaxFileBytes {
		l.diags = append(l.diags, tooLarge(name))
		return
	}
	if l.total+len(src) > MaxTotalBytes {
		l.full = true
		l.diags = append(l.diags, diag.New(diag.FileTooLarge, wholeFile(name),
			fmt.Sprintf("The files of the folder are larger than %d MiB together; this one and those after it were not read. Is it the right folder?", MaxTotalBytes>>20)))
		return
	}
	l.total += len(src)
	l.files[name] = src
}

// readCapped reads at most one byte more than a file may have.
func readCapped(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
}

func (l *loader) unreadable(name string, err error) {
	// The operation and the path of a *fs.PathError are noise: the path is the diagnostic's.
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	what := "The file"
	if name == "." {
		what = "The folder"
	}
	l.diags = append(l.diags, diag.New(diag.FileUnreadable, wholeFile(name), fmt.Sprintf("%s could not be read: %s.", what, err)))
}

func tooLarge(name string) *hcl.Diagnostic {
	return diag.New(diag.FileTooLarge, wholeFile(name),
		fmt.Sprintf("A recipe file may have %d KiB at most. Long texts and tables belong to the service that sends them, or split the file into several recipes.", MaxFileBytes>>10))
}

// wholeFile is the place of what is wrong with a file as such: its beginning.
func wholeFile(name string) hcl.Range {
	return hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}
