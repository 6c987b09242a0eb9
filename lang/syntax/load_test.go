package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

func names(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }

func TestLoadTakesRecipes(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	files, diags := Load(fstest.MapFS{
		"flowrun.hcl": file, "a.hcl": file, "billing/dunning.hcl": file, "billing/eu/vat.hcl": file, "dir.hcl/inner.hcl": file,
		"a.test.hcl": file, "billing/dunning.test.hcl": file, "README.md": file, "a.HCL": file, "a.hcl.bak": file, ".hcl": file,
		".git/a.hcl": file, "_drafts/a.hcl": file, "billing/.hidden/a.hcl": file, "billing/_old/a.hcl": file, "fixtures/e.json": file,
	})
	if len(diags) > 0 {
		t.Error(diags)
	}
	want := []string{"a.hcl", "billing/dunning.hcl", "billing/eu/vat.hcl", "dir.hcl/inner.hcl", "flowrun.hcl"}
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLoadReadsLinkedFilesOnce(t *testing.T) {
	root := t.TempDir()
	outside := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(root, "real.hcl"), "real")
	write(filepath.Join(root, "..v1", "mounted.hcl"), "mounted")
	write(filepath.Join(outside, "far.hcl"), "far")
	link("real.hcl", "a_link.hcl")              // its own name wins
	link("a_link.hcl", "link_to_link.hcl")      // through another link
	link("..v1", "..data")                      // as containers mount configuration
	link("..data/mounted.hcl", "mounted.hcl")   // through a linked folder
	link("..v1/mounted.hcl", "mounted_too.hcl") // the same file
	link(filepath.Join(outside, "far.hcl"), "far1.hcl")
	link(filepath.Join(outside, "far.hcl"), "far2.hcl")
	link(".", "circle")     // a folder in itself
	link(".", "circle.hcl") // that looks like a file
	link("loop.hcl", "loop.hcl")
	link("nowhere.hcl", "dangling.hcl")

	files, diags := Load(os.DirFS(root))
	want := []string{"far1.hcl", "mounted.hcl", "real.hcl"}
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var unreadable []string
	for _, d := range diags {
		if m, _ := diag.MetaOf(d); m.Code != diag.FileUnreadable {
			t.Errorf("got %v", d)
		}
		unreadable = append(unreadable, d.Subject.Filename)
	}
	if want := []string{"dangling.hcl", "loop.hcl"}; !slices.Equal(unreadable, want) {
		t.Errorf("unreadable %v, want %v", unreadable, want)
	}
}

func TestLoadCaps(t *testing.T) {
	t.Run("one file", func(t *testing.T) {
		files, diags := Load(fstest.MapFS{
			"fits.hcl":  {Data: bytes.Repeat([]byte("x"), MaxFileBytes)},
			"large.hcl": {Data: bytes.Repeat([]byte("x"), MaxFileBytes+1)},
		})
		if got := names(files); !slices.Equal(got, []string{"fits.hcl"}) {
			t.Errorf("got %v", got)
		}
		wantOne(t, diags, diag.FileTooLarge, "large.hcl")
	})
	t.Run("all files", func(t *testing.T) {
		fsys := fstest.MapFS{}
		data := bytes.Repeat([]byte("x"), MaxFileBytes)
		for i := range MaxTotalBytes/MaxFileBytes + 3 {
			fsys[fmt.Sprintf("%03d.hcl", i)] = &fstest.MapFile{Data: data}
		}
		files, diags := Load(fsys)
		if len(files) != MaxTotalBytes/MaxFileBytes {
			t.Errorf("%d files", len(files))
		}
		wantOne(t, diags, diag.FileTooLarge, "128.hcl")
	})
	t.Run("number of files", func(t *testing.T) {
		fsys := fstest.MapFS{}
		for i := range MaxFiles + 3 {
			fsys[fmt.Sprintf("%06d.hcl", i)] = &fstest.MapFile{}
		}
		files, diags := Load(fsys)
		if len(files) != MaxFiles {
			t.Errorf("%d files", len(files))
		}
		wantOne(t, diags, diag.FileTooLarge, "020000.hcl")
	})
}

func wantOne(t *testing.T, diags hcl.Diagnostics, code diag.Code, file string) {
	t.Helper()
	if len(diags) != 1 {
		t.Fatalf("got %v", diags)
	}
	if m, _ := diag.MetaOf(diags[0]); m.Code != code || diags[0].Subject.Filename != file {
		t.Errorf("got %v", diags[0])
	}
}

// refusing is a file system in which some names can't be opened.
type refusing struct {
	fs.FS
	names []string
}

func (r refusing) Open(name string) (fs.File, error) {
	if slices.Contains(r.names, name) {
		return nil, &fs.PathError{Op: "open", Path: "/home/jo/" + name, Err: errors.New("permission denied")}
	}
	return r.FS.Open(name)
}

func TestLoadReportsWhatItCannotRead(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	fsys := fstest.MapFS{"a.hcl": file, "b.hcl": file, "sub/c.hcl": file, "pipe.hcl": {Mode: fs.ModeNamedPipe}}
	files, diags := Load(refusing{fsys, []string{"b.hcl", "sub"}})
	if got := names(files); !slices.Equal(got, []string{"a.hcl"}) {
		t.Errorf("got %v", got)
	}
	var got []string
	for _, d := range diags {
		got = append(got, d.Subject.Filename+": "+d.Detail)
	}
	want := []string{
		"b.hcl: The file could not be read: permission denied.",
		"pipe.hcl: The file could not be read: it is not a regular file.",
		"sub: The file could not be read: permission denied.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	_, diags = Load(refusing{fsys, []string{"."}})
	if len(diags) != 1 || !strings.HasPrefix(diags[0].Detail, "The folder could not be read") {
		t.Errorf("got %v", diags)
	}
}
