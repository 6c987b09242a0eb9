package reload

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watch starts a real watch without a poll that could come to its help.
func watch(t *testing.T, dir string) *fixture {
	t.Helper()
	f := newFixture(t, dir, func(c *Config) { c.Debounce, c.Poll = 5*time.Millisecond, 24*time.Hour })
	f.run()
	f.await(read(dir)...)
	return f
}

func TestAtomicRename(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.hcl")
	write(t, file, "1")
	f := watch(t, dir)
	for _, content := range []string{"2", "3"} { // a watch on the file would die of the first
		tmp := filepath.Join(dir, ".a.hcl.swp")
		write(t, tmp, content)
		must(t, os.Rename(tmp, file))
		f.await("a.hcl=" + content)
	}
	must(t, os.Remove(file))
	f.await()
}

func TestHalfAFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.hcl")
	write(t, file, "1")
	f := watch(t, dir)
	w, err := os.Create(file)
	must(t, err)
	f.await("a.hcl=")
	_, err = w.WriteString("half")
	must(t, err)
	f.await("a.hcl=half")
	_, err = w.WriteString(" and half")
	must(t, err)
	must(t, w.Close())
	f.await("a.hcl=half and half")
}

func TestNewFolder(t *testing.T) {
	dir := t.TempDir()
	f := watch(t, dir)
	sub := filepath.Join(dir, "billing")
	must(t, os.Mkdir(sub, 0o700))
	write(t, filepath.Join(sub, "a.hcl"), "1")
	f.await("billing/a.hcl=1")
	write(t, filepath.Join(sub, "a.hcl"), "2") // by now the folder itself is watched
	f.await("billing/a.hcl=2")
	must(t, os.Rename(sub, filepath.Join(dir, "invoices")))
	f.await("invoices/a.hcl=2")
	write(t, filepath.Join(dir, "invoices", "a.hcl"), "3")
	f.await("invoices/a.hcl=3")
	must(t, os.RemoveAll(filepath.Join(dir, "invoices")))
	f.await()
}

func TestFolderMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recipes")
	must(t, os.Mkdir(dir, 0o700))
	write(t, filepath.Join(dir, "a.hcl"), "1")
	f := watch(t, dir)
	for _, content := range []string{"2", "3"} {
		must(t, os.RemoveAll(dir))
		f.await() // by now nothing in the folder is watched any more
		must(t, os.Mkdir(dir, 0o700))
		write(t, filepath.Join(dir, "a.hcl"), content)
		f.await("a.hcl=" + content)
		write(t, filepath.Join(dir, "a.hcl"), content+" edited")
		f.await("a.hcl=" + content + " edited")
	}
}

// TestConfigMap swaps mounted configuration as Kubernetes does: a.hcl → ..data/a.hcl, ..data → a folder.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	swap := func(version, content string) {
		t.Helper()
		must(t, os.Mkdir(filepath.Join(dir, version), 0o700))
		write(t, filepath.Join(dir, version, "a.hcl"), content)
		must(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	swap("..2026_1", "1")
	must(t, os.Symlink(filepath.Join("..data", "a.hcl"), filepath.Join(dir, "a.hcl")))
	f := watch(t, dir)
	swap("..2026_2", "2")
	f.await("a.hcl=2")
	must(t, os.RemoveAll(filepath.Join(dir, "..2026_1")))
	swap("..2026_3", "3")
	f.await("a.hcl=3")
}

// TestLinkedFolder swaps the folder itself, as deployments do: current → releases/1.
func TestLinkedFolder(t *testing.T) {
	top := t.TempDir()
	deploy := func(release, content string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Join(top, "releases", release), 0o700))
		write(t, filepath.Join(top, "releases", release, "a.hcl"), content)
		must(t, os.Symlink(filepath.Join("releases", release), filepath.Join(top, "next")))
		must(t, os.Rename(filepath.Join(top, "next"), filepath.Join(top, "current")))
	}
	deploy("1", "1")
	f := watch(t, filepath.Join(top, "current"))
	deploy("2", "2")
	f.await("a.hcl=2")
	write(t, filepath.Join(top, "releases", "2", "a.hcl"), "edited")
	f.await("a.hcl=edited")
}

func TestWhatMatters(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "recipes")
	must(t, os.MkdirAll(filepath.Join(root, "new"), 0o700))
	write(t, filepath.Join(root, "flowrun.db"), "x")
	n := &notifier{root: root, parent: dir}
	for _, tt := range []struct {
		name string
		op   fsnotify.Op
		want bool
	}{
		{"recipes/a.hcl", fsnotify.Write, true},
		{"recipes/billing/a.hcl", fsnotify.Create, true},
		{"recipes/a.hcl", fsnotify.Chmod, true}, // it may have become readable
		{"recipes/a.test.hcl", fsnotify.Write, false},
		{"recipes/flowrun.db", fsnotify.Write, false},
		{"recipes/flowrun.db", fsnotify.Create, false},
		{"recipes/flowrun.db-wal", fsnotify.Remove, false},
		{"recipes/new", fsnotify.Create, true},
		{"recipes/new", fsnotify.Chmod, false},
		{"recipes/old", fsnotify.Remove, true},
		{"recipes/old.d", fsnotify.Rename, true},
		{"recipes/.git", fsnotify.Create, false},
		{"recipes/_old", fsnotify.Remove, false},
		{"recipes/..data", fsnotify.Create, true},
		{"recipes/..data", fsnotify.Write, true},
		{"recipes", fsnotify.Create, true},
		{"recipes", fsnotify.Remove, true},
		{"neighbour.hcl", fsnotify.Write, false},
	} {
		if got := n.matters(fsnotify.Event{Name: filepath.Join(dir, tt.name), Op: tt.op}); got != tt.want {
			t.Errorf("%s %s: %v, want %v", tt.op, tt.name, got, tt.want)
		}
	}
}
