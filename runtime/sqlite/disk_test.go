//go:build unix

package sqlite

// A disk that can lose its power, fill up and fail, as a VFS between SQLite and the real one. It remembers of each file
// what was there at its last sync and every write since; a power cut leaves the former and an arbitrary part of the
// latter, with sectors torn. The base VFS's file objects are used as they are, with some of their methods replaced; the
// wal-index in shared memory goes past it, since a power cut loses all of that anyway.

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, sync int32) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	writeFunc    = func(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
)

type disk struct {
	name string
	tls  *libc.TLS
	base *lib.Tsqlite3_vfs
	keep []any // the functions SQLite points to

	mu      sync.Mutex
	methods map[uintptr]*lib.Tsqlite3_io_methods // ours, by the base's that they stand for
	open    map[uintptr]*openFile
	files   map[string]*file

	rnd     *rand.Rand
	ops     int               // writes and syncs so far
	cutAt   int               // at which of them the power goes; 0 for never
	left    map[string][]byte // what the cut left, nil before
	syncs   int
	space   int64 // bytes that can still be written; negative for no limit
	full    int32 // the answer to a write once space has run out
	badSync int32 // the answer to a sync, where not zero
}

// file is one path's contents as far as they are safe, and what was done since.
type file struct {
	safe    []byte
	pending []change
}

// change is a write, or a truncation where data is nil.
type change struct {
	off  int64
	data []byte
}

type openFile struct {
	base *lib.Tsqlite3_io_methods
	f    *file // nil for temporary ones
}

// pointer turns an address in the library's memory into a pointer.
func pointer[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// function is the function value that the library keeps at fp.
func function[F any](fp uintptr) F { return *(*F)(unsafe.Pointer(&fp)) }

func callback[F any](d *disk, f F) uintptr {
	d.keep = append(d.keep, f)
	return *(*uintptr)(unsafe.Pointer(&f))
}

// newDisk registers a disk under a name of its own until the test ends.
func newDisk(t *testing.T, seed uint64) *disk {
	d := &disk{name: "disk-" + t.Name(), tls: libc.NewTLS(), methods: map[uintptr]*lib.Tsqlite3_io_methods{}, open: map[uintptr]*openFile{},
		files: map[string]*file{}, rnd: rand.New(rand.NewPCG(seed, 1)), space: -1, full: lib.SQLITE_FULL}
	d.base = pointer[lib.Tsqlite3_vfs](lib.Xsqlite3_vfs_find(d.tls, 0))
	size := unsafe.Sizeof(*d.base)
	p := libc.Xmalloc(d.tls, types.Size_t(size))
	v := pointer[lib.Tsqlite3_vfs](p)
	*v = *d.base
	name, err := libc.CString(d.name)
	if err != nil {
		t.Fatal(err)
	}
	v.FzName = name
	v.FxOpen = callback[openFunc](d, d.xOpen)
	v.FxDelete = callback[deleteFunc](d, d.xDelete)
	if rc := lib.Xsqlite3_vfs_register(d.tls, p, 0); rc != lib.SQLITE_OK {
		t.Fatalf("registering the VFS: %d", rc)
	}
	t.Cleanup(func() {
		lib.Xsqlite3_vfs_unregister(d.tls, p)
		libc.Xfree(d.tls, p)
		libc.Xfree(d.tls, name)
		for _, m := range d.methods {
			libc.Xfree(d.tls, uintptr(unsafe.Pointer(m)))
		}
		d.tls.Close()
	})
	return d
}

func (d *disk) xOpen(tls *libc.TLS, _, name, id uintptr, flags int32, out uintptr) int32 {
	if rc := function[openFunc](d.base.FxOpen)(tls, uintptr(unsafe.Pointer(d.base)), name, id, flags, out); rc != lib.SQLITE_OK {
		return rc
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	opened := pointer[lib.Tsqlite3_file](id)
	o := &openFile{base: pointer[lib.Tsqlite3_io_methods](opened.FpMethods)}
	if name != 0 {
		path := libc.GoString(name)
		if d.files[path] == nil {
			there, _ := os.ReadFile(path)
			d.files[path] = &file{safe: there}
		}
		o.f = d.files[path]
	}
	ours := d.methods[opened.FpMethods]
	if ours == nil {
		p := libc.Xmalloc(tls, types.Size_t(unsafe.Sizeof(*ours)))
		ours = pointer[lib.Tsqlite3_io_methods](p)
		*ours = *o.base
		ours.FxClose = callback[closeFunc](d, d.xClose)
		ours.FxWrite = callback[writeFunc](d, d.xWrite)
		ours.FxTruncate = callback[truncateFunc](d, d.xTruncate)
		ours.FxSync = callback[syncFunc](d, d.xSync)
		d.methods[opened.FpMethods] = ours
	}
	opened.FpMethods = uintptr(unsafe.Pointer(ours))
	d.open[id] = o
	return rcOK
}

const rcOK = int32(lib.SQLITE_OK)

func (d *disk) xDelete(tls *libc.TLS, _, name uintptr, sync int32) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left != nil {
		return lib.SQLITE_IOERR_DELETE
	}
	delete(d.files, libc.GoString(name))
	return function[deleteFunc](d.base.FxDelete)(tls, uintptr(unsafe.Pointer(d.base)), name, sync)
}

func (d *disk) xClose(tls *libc.TLS, id uintptr) int32 {
	d.mu.Lock()
	o := d.open[id]
	delete(d.open, id)
	d.mu.Unlock()
	return function[closeFunc](o.base.FxClose)(tls, id)
}

// step counts an operation, and cuts the power where its time has come. It reports whether there is power.
func (d *disk) step() bool {
	d.ops++
	if d.cutAt > 0 && d.ops >= d.cutAt && d.left == nil {
		d.cut()
	}
	return d.left == nil
}

func (d *disk) xWrite(tls *libc.TLS, id, buf uintptr, n int32, off int64) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.open[id]
	if !d.step() {
		return lib.SQLITE_IOERR_WRITE
	}
	if d.space >= 0 {
		if d.space < int64(n) {
			return d.full
		}
		d.space -= int64(n)
	}
	if o.f != nil {
		o.f.pending = append(o.f.pending, change{off: off, data: append([]byte{}, mem(buf, int(n))...)})
	}
	return function[writeFunc](o.base.FxWrite)(tls, id, buf, n, off)
}

func (d *disk) xTruncate(tls *libc.TLS, id uintptr, size int64) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.open[id]
	if !d.step() {
		return lib.SQLITE_IOERR_TRUNCATE
	}
	if o.f != nil {
		o.f.pending = append(o.f.pending, change{off: size})
	}
	return function[truncateFunc](o.base.FxTruncate)(tls, id, size)
}

// xSync makes what was written safe. The real disk is not bothered: the test's disk is this one.
func (d *disk) xSync(_ *libc.TLS, id uintptr, _ int32) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.step() {
		return lib.SQLITE_IOERR_FSYNC
	}
	if d.badSync != 0 {
		return d.badSync
	}
	d.syncs++
	if f := d.open[id].f; f != nil {
		for _, c := range f.pending {
			f.safe = c.apply(f.safe)
		}
		f.pending = nil
	}
	return rcOK
}

func (c change) apply(b []byte) []byte {
	if c.data == nil {
		if int64(len(b)) > c.off {
			return b[:c.off]
		}
		return append(b, make([]byte, c.off-int64(len(b)))...)
	}
	if end := c.off + int64(len(c.data)); end > int64(len(b)) {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.off:], c.data)
	return b
}

// cut fixes what is left of each file: all that is safe and, by chance, nothing, everything, a first part, or any
// sectors of what is pending.
func (d *disk) cut() {
	const sector = 512
	d.left = map[string][]byte{}
	for path, f := range d.files {
		b := append([]byte{}, f.safe...)
		kept := f.pending
		switch d.rnd.IntN(4) {
		case 0:
			kept = nil
		case 1:
			kept = kept[:d.rnd.IntN(len(kept)+1)]
		case 2:
			var some []change
			for _, c := range kept {
				if c.data == nil {
					if d.rnd.IntN(2) == 0 {
						some = append(some, c)
					}
					continue
				}
				for at := 0; at < len(c.data); at += sector {
					if d.rnd.IntN(2) == 0 {
						some = append(some, change{c.off + int64(at), c.data[at:min(at+sector, len(c.data))]})
					}
				}
			}
			kept = some
		}
		for _, c := range kept {
			b = c.apply(b)
		}
		d.left[path] = b
	}
}

// crash cuts the power if it is still there, and writes what is left to dir.
func (d *disk) crash(t *testing.T, dir string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == nil {
		d.cut()
	}
	for path, b := range d.left {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// set changes how the disk behaves.
func (d *disk) set(f func(*disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}
