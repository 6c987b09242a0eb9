package sqlite

// This file is a thin binding to the SQLite library itself. database/sql and the driver's connection were measured
// and left out: per statement they look up every parameter's name, allocate a C string per text and make a result that
// nobody reads, which together costs more than the insert. Here a statement owns one buffer that its parameters are
// copied into and keeps for its life.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	_ "modernc.org/sqlite" // sets up the library for use by several goroutines
	lib "modernc.org/sqlite/lib"
)

// Error is an answer of SQLite other than success.
type Error struct {
	Code    int // the extended result code
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// Is makes failures of the disk, not of the request, match ErrUnavailable.
func (e *Error) Is(target error) bool {
	if target != ErrUnavailable {
		return false
	}
	switch e.Code & 0xff {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_NOMEM, lib.SQLITE_BUSY,
		lib.SQLITE_PERM, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return true
	}
	return false
}

// conn is one connection. One goroutine at a time may use it.
type conn struct {
	tls   *libc.TLS
	db    uintptr
	stmts map[string]*stmt

	mu sync.Mutex // held while db is closed or interrupted
}

// openConn opens the database at path through the named VFS, the default one where it is empty.
func openConn(path, vfs string) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), stmts: map[string]*stmt{}}
	name, err := libc.CString(path)
	if err != nil {
		c.tls.Close()
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	var zvfs uintptr
	if vfs != "" {
		if zvfs, err = libc.CString(vfs); err != nil {
			c.tls.Close()
			return nil, err
		}
		defer libc.Xfree(c.tls, zvfs)
	}
	out := libc.Xcalloc(c.tls, 1, 8)
	defer libc.Xfree(c.tls, out)
	flags := int32(lib.SQLITE_OPEN_READWRITE | lib.SQLITE_OPEN_CREATE | lib.SQLITE_OPEN_NOMUTEX)
	rc := lib.Xsqlite3_open_v2(c.tls, name, out, flags, zvfs)
	c.db = word(out)
	if rc != lib.SQLITE_OK {
		err := c.fail(rc)
		c.close()
		return nil, err
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	lib.Xsqlite3_busy_timeout(c.tls, c.db, int32(busyTimeout/time.Millisecond))
	return c, nil
}

func (c *conn) fail(rc int32) error {
	if c.db == 0 {
		return &Error{Code: int(rc), Message: "out of memory"}
	}
	return &Error{Code: int(rc), Message: libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))}
}

func (c *conn) close() {
	for _, s := range c.stmts {
		s.finalize()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db != 0 {
		lib.Xsqlite3_close_v2(c.tls, c.db)
		c.db = 0
	}
	c.tls.Close()
}

// interrupt ends the statement that another goroutine is running on c.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db != 0 {
		tls := libc.NewTLS()
		lib.Xsqlite3_interrupt(tls, c.db)
		tls.Close()
	}
}

// inTransaction reports whether a BEGIN is open.
func (c *conn) inTransaction() bool { return lib.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// changes returns how many rows the last insert, update or delete touched.
func (c *conn) changes() int { return int(lib.Xsqlite3_changes(c.tls, c.db)) }

// exec runs statements that take no parameters and whose rows nobody needs.
func (c *conn) exec(sql string) error {
	z, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, z)
	if rc := lib.Xsqlite3_exec(c.tls, c.db, z, 0, 0, 0); rc != lib.SQLITE_OK {
		return c.fail(rc)
	}
	return nil
}

// prepare returns the connection's one statement for sql, made on first use.
func (c *conn) prepare(sql string) (*stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	z, err := libc.CString(sql)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, z)
	out := libc.Xcalloc(c.tls, 1, 8)
	defer libc.Xfree(c.tls, out)
	if rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, z, -1, lib.SQLITE_PREPARE_PERSISTENT, out, 0); rc != lib.SQLITE_OK {
		return nil, fmt.Errorf("preparing %q: %w", sql, c.fail(rc))
	}
	s := &stmt{c: c, p: word(out), buf: libc.Xmalloc(c.tls, stmtBuffer)}
	c.stmts[sql] = s
	return s, nil
}

// run executes a statement with parameters to its end.
func (c *conn) run(sql string, args ...any) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	s.bind(args...)
	return s.run()
}

// query calls each for every row.
func (c *conn) query(sql string, each func(*stmt) error, args ...any) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	s.bind(args...)
	defer s.reset()
	for {
		row, err := s.step()
		if err != nil || !row {
			return err
		}
		if err := each(s); err != nil {
			return err
		}
	}
}

// queryInt returns the first column of the first row, or 0 where there is none.
func (c *conn) queryInt(sql string, args ...any) (n int64, err error) {
	err = c.query(sql, func(s *stmt) error { n = s.int(0); return nil }, args...)
	return n, err
}

// watch interrupts c when ctx ends. The function it returns stops that, and turns the error of an interrupted
// statement into the context's.
func (c *conn) watch(ctx context.Context) func(error) error {
	if ctx.Done() == nil {
		return func(err error) error { return err }
	}
	gone := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.interrupt()
		close(gone)
	})
	return func(err error) error {
		if !stop() {
			<-gone
		}
		var e *Error
		if errors.As(err, &e) && e.Code&0xff == lib.SQLITE_INTERRUPT && ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
}

// mem is the library's memory at p, which lies outside Go's heap and does not move.
func mem(p uintptr, n int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&p))), n)
}

// word is the pointer-sized word at p.
func word(p uintptr) uintptr { return **(**uintptr)(unsafe.Pointer(&p)) }

// stmtBuffer holds a statement's parameters; what does not fit is copied by SQLite.
const stmtBuffer = 16 << 10

// stmt is a prepared statement. Parameters count from 1, columns from 0, as in SQLite.
type stmt struct {
	c   *conn
	p   uintptr
	buf uintptr
	n   int
	rc  int32 // first failure of a bind
}

func (s *stmt) finalize() {
	lib.Xsqlite3_finalize(s.c.tls, s.p)
	libc.Xfree(s.c.tls, s.buf)
}

func (s *stmt) note(rc int32) {
	if rc != lib.SQLITE_OK && s.rc == lib.SQLITE_OK {
		s.rc = rc
	}
}

func (s *stmt) bindInt(i int, v int64) {
	s.note(lib.Xsqlite3_bind_int64(s.c.tls, s.p, int32(i), v))
}

func (s *stmt) bindNull(i int) { s.note(lib.Xsqlite3_bind_null(s.c.tls, s.p, int32(i))) }

func (s *stmt) bindText(i int, v string) {
	s.place(unsafe.Slice(unsafe.StringData(v), len(v)), func(p uintptr, del uintptr) int32 {
		return lib.Xsqlite3_bind_text(s.c.tls, s.p, int32(i), p, int32(len(v)), del)
	})
}

// bindBlob binds NULL where v is nil.
func (s *stmt) bindBlob(i int, v []byte) {
	if v == nil {
		s.bindNull(i)
		return
	}
	s.place(v, func(p uintptr, del uintptr) int32 {
		return lib.Xsqlite3_bind_blob(s.c.tls, s.p, int32(i), p, int32(len(v)), del)
	})
}

// place copies v to where SQLite can read it and binds it: into the statement's buffer while there is room, else
// into memory that SQLite copies from.
func (s *stmt) place(v []byte, bind func(p, del uintptr) int32) {
	const transient = ^uintptr(0)
	if s.n+len(v) < stmtBuffer {
		p := s.buf + uintptr(s.n)
		copy(mem(p, len(v)), v)
		s.n += len(v)
		s.note(bind(p, 0))
		return
	}
	p := libc.Xmalloc(s.c.tls, types.Size_t(len(v)))
	if p == 0 {
		s.note(lib.SQLITE_NOMEM)
		return
	}
	copy(mem(p, len(v)), v)
	s.note(bind(p, transient))
	libc.Xfree(s.c.tls, p)
}

// bind binds all parameters by their Go type; it is for statements that are not hot.
func (s *stmt) bind(args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case nil:
			s.bindNull(i + 1)
		case int:
			s.bindInt(i+1, int64(a))
		case int64:
			s.bindInt(i+1, a)
		case string:
			s.bindText(i+1, a)
		case []byte:
			s.bindBlob(i+1, a)
		case time.Time:
			s.bindTime(i+1, a)
		default:
			panic(fmt.Sprintf("sqlite: parameter of type %T", a))
		}
	}
}

// step runs the statement up to its next row.
func (s *stmt) step() (row bool, err error) {
	if s.rc != lib.SQLITE_OK {
		return false, s.c.fail(s.rc)
	}
	switch rc := lib.Xsqlite3_step(s.c.tls, s.p); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.fail(rc)
	}
}

// reset makes the statement ready for its next use.
func (s *stmt) reset() {
	lib.Xsqlite3_reset(s.c.tls, s.p)
	s.n, s.rc = 0, lib.SQLITE_OK
}

// run executes to the end and resets.
func (s *stmt) run() error {
	var err error
	for row := true; row && err == nil; {
		row, err = s.step()
	}
	s.reset()
	return err
}

func (s *stmt) int(i int) int64 { return lib.Xsqlite3_column_int64(s.c.tls, s.p, int32(i)) }

func (s *stmt) null(i int) bool {
	return lib.Xsqlite3_column_type(s.c.tls, s.p, int32(i)) == lib.SQLITE_NULL
}

func (s *stmt) text(i int) string {
	return string(s.raw(i, lib.Xsqlite3_column_text(s.c.tls, s.p, int32(i))))
}

// blob returns a column's bytes, which hold until the next step; nil where it is NULL.
func (s *stmt) blob(i int) []byte {
	if s.null(i) {
		return nil
	}
	return s.raw(i, lib.Xsqlite3_column_blob(s.c.tls, s.p, int32(i)))
}

func (s *stmt) raw(i int, p uintptr) []byte {
	n := int(lib.Xsqlite3_column_bytes(s.c.tls, s.p, int32(i)))
	if p == 0 || n == 0 {
		return []byte{}
	}
	return mem(p, n)
}

// Times are nanoseconds since 1970; the zero time is NULL. What int64 can't count is clamped, which only a time
// before 1678 or after 2262 meets.

func (s *stmt) bindTime(i int, t time.Time) {
	if t.IsZero() {
		s.bindNull(i)
		return
	}
	s.bindInt(i, nanos(t))
}

func (s *stmt) time(i int) time.Time {
	if s.null(i) {
		return time.Time{}
	}
	return time.Unix(0, s.int(i)).UTC()
}

func nanos(t time.Time) int64 {
	switch y := t.Year(); {
	case y < 1678:
		return -1 << 63
	case y >= 2262:
		return 1<<63 - 2
	}
	return t.UnixNano()
}

// optTime is a time as it is bound; the zero time is NULL.
type optTime struct {
	ns  int64
	set bool
}

func timeValue(t time.Time) optTime {
	if t.IsZero() {
		return optTime{}
	}
	return optTime{ns: nanos(t), set: true}
}

func (t optTime) bind(s *stmt, i int) {
	if t.set {
		s.bindInt(i, t.ns)
	} else {
		s.bindNull(i)
	}
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
