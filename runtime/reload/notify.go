package reload

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// hints is a source of suspicions that the folder has changed.
type hints struct {
	hint   <-chan struct{} // closed when there will be no more; nil where there never are any
	rescan func()          // watches what has come and forgets what has gone
	close  func()
}

func noHints() hints { return hints{rescan: func() {}, close: func() {}} }

// notify asks the operating system for hints. It watches folders, never files, and the folder above too: when the
// folder itself is removed and made anew, nothing else tells.
func notify(dir string) (hints, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return hints{}, fmt.Errorf("finding the folder: %w", err)
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return hints{}, fmt.Errorf("starting to watch: %w", err)
	}
	n := &notifier{root: root, parent: filepath.Dir(root), watcher: watcher}
	n.rescan()

	out := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(out)
		for {
			select {
			case <-done:
				return
			case e, ok := <-watcher.Events:
				if !ok {
					return
				}
				if !n.matters(e) {
					continue
				}
			case _, ok := <-watcher.Errors:
				if !ok {
					return
				}
				// Whatever it is, such as an overflow of the queue: something may have been missed.
			}
			select {
			case out <- struct{}{}:
			default: // one is waiting already
			}
		}
	}()
	return hints{hint: out, rescan: n.rescan, close: func() {
		close(done)
		// Watches end with the process anyway.
		_ = watcher.Close()
	}}, nil
}

type notifier struct {
	root, parent string
	watcher      *fsnotify.Watcher
}

// rescan makes the set of watches that of the folders there are. A folder that can't be watched is left to the poll.
func (n *notifier) rescan() {
	want := map[string]bool{n.parent: true}
	start := n.root
	// A root that is a link, as in deployments that swap one, is walked where it leads.
	if target, err := filepath.EvalSymlinks(n.root); err == nil {
		start = target
	}
	// Errors of the walk concern folders that have just gone.
	_ = filepath.WalkDir(start, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if !d.IsDir() {
			return nil
		}
		if path != start && passedOver(d.Name()) {
			return fs.SkipDir
		}
		want[path] = true
		return nil
	})
	for _, path := range n.watcher.WatchList() {
		if !want[path] {
			// It may have gone by itself meanwhile.
			_ = n.watcher.Remove(path)
		}
	}
	watched := n.watcher.WatchList()
	for path := range want {
		// A folder removed and made anew has the same name and needs a new watch; adding twice is harmless.
		if err := n.watcher.Add(path); err != nil && slices.Contains(watched, path) {
			_ = n.watcher.Remove(path)
		}
	}
}

// matters reports whether an event can be of a change of what is served. The store's file often lies in the same
// folder and is written all the time.
func (n *notifier) matters(e fsnotify.Event) bool {
	name := filepath.Base(e.Name)
	if filepath.Dir(e.Name) == n.parent && n.parent != n.root {
		return e.Name == n.root
	}
	if e.Name == n.root {
		return true
	}
	if strings.HasPrefix(name, "..") {
		return true // mounted configuration swaps "..data"
	}
	if strings.HasSuffix(name, ".hcl") {
		return !strings.HasSuffix(name, ".test.hcl")
	}
	if passedOver(name) || !e.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename) {
		return false
	}
	if e.Has(fsnotify.Create) {
		info, err := os.Stat(e.Name)
		return err != nil || info.IsDir()
	}
	// What has gone can't be asked what it was; a folder has no ending, as a rule, and the poll sees the rest.
	return filepath.Ext(name) == "" || e.Has(fsnotify.Rename)
}

func passedOver(folder string) bool { return folder[0] == '.' || folder[0] == '_' }
