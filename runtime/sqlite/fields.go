package sqlite

// How events are found by their fields, and by type, and runs by recipe. An ordinary index would be written at random:
// customers and e-mails come in no order, so that each row would dirty a page of its own, ten for an event. Instead the
// postings of some hundred events are sorted in memory and appended as a segment: pages of hashes, each with the Seqs
// that have it, and a directory of the pages' first hashes. Nothing in a segment changes. A query looks into each
// segment, the newest first; to keep their number small, eight small ones become one of the next level, until it is
// big enough to stay.
//
// A hash has 56 bits and is not compared with the payload: that may be gone, and the fields are those that were read
// when the event was indexed. Among ten million values, one query in ten billion would find an event too many.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"github.com/flowrun/flowrun/runtime"
)

const (
	ofEvents, ofRuns = 1, 2 // what the Seqs of a segment number

	pageBytes    = 3900 // at which a page ends; one value's Seqs may make it longer
	pageBits     = 20   // low bits of a page's id, below the segment's
	mergeWidth   = 8
	finalSpan    = 2048 // of a segment that is not merged further
	finalLevel   = 100
	runsAtATime  = 1 << 16
	typeName     = "\x00type" // no field of a payload is called that
	connName     = "\x00connection"
	recipeName   = "\x00recipe"
	hashDropBits = 8
)

// posting says that the event, or run, of a Seq has a value.
type posting struct {
	hash uint64
	seq  int64
}

func fieldHash(name, value string) uint64 {
	p := make(packer, 0, 128)
	p.text(name)
	p.text(value)
	sum := sha256.Sum256(p)
	return binary.BigEndian.Uint64(sum[:]) >> hashDropBits
}

// segment is one before it is written.
type segment struct {
	kind, level         int
	first, last, newest int64 // newest is the time of the newest of its events or runs
	directory           []byte
	pages               [][]byte
}

// newSegment sorts the postings and packs them.
func newSegment(kind, level int, first, last, newest int64, list []posting) *segment {
	slices.SortFunc(list, func(a, b posting) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.seq, b.seq)) })
	list = slices.Compact(list)
	if last-first >= finalSpan-1 {
		level = finalLevel
	}
	g := &segment{kind: kind, level: level, first: first, last: last, newest: newest, directory: []byte{}}
	var page []byte
	previous := uint64(0)
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].hash == list[0].hash {
			n++
		}
		if len(page) > 0 && len(page)+2*n+8 > pageBytes {
			g.pages = append(g.pages, page)
			page, previous = nil, 0
		}
		if len(page) == 0 {
			g.directory = binary.BigEndian.AppendUint64(g.directory, list[0].hash)
		}
		page = binary.AppendUvarint(page, list[0].hash-previous)
		page = binary.AppendUvarint(page, uint64(n))
		at := first
		for _, p := range list[:n] {
			page = binary.AppendUvarint(page, uint64(p.seq-at))
			at = p.seq
		}
		previous, list = list[0].hash, list[n:]
	}
	if len(page) > 0 {
		g.pages = append(g.pages, page)
	}
	return g
}

// pageOf returns the number of the page that has the hash, if the segment has it.
func pageOf(directory []byte, hash uint64) (int, bool) {
	n := len(directory) / 8
	i := sort.Search(n, func(i int) bool { return binary.BigEndian.Uint64(directory[8*i:]) > hash })
	return i - 1, i > 0
}

// readPage calls each for every hash of a page, with its packed Seqs and their number, until it returns false.
func readPage(page []byte, each func(hash uint64, n int, seqs []byte) bool) error {
	hash := uint64(0)
	for len(page) > 0 {
		delta, a := binary.Uvarint(page)
		if a <= 0 {
			return errDamaged
		}
		n, b := binary.Uvarint(page[a:])
		if b <= 0 || n > uint64(len(page)) {
			return errDamaged
		}
		hash += delta
		page = page[a+b:]
		end := 0
		for range n {
			for end < len(page) && page[end] >= 0x80 {
				end++
			}
			end++
		}
		if end > len(page) {
			return errDamaged
		}
		if !each(hash, int(n), page[:end]) {
			return nil
		}
		page = page[end:]
	}
	return nil
}

// unpackSeqs appends what newSegment packed.
func unpackSeqs(to []int64, n int, first int64, packed []byte) []int64 {
	to = slices.Grow(to, n)
	for len(packed) > 0 {
		delta, size := binary.Uvarint(packed)
		if size <= 0 {
			break
		}
		first += int64(delta)
		to = append(to, first)
		packed = packed[size:]
	}
	return to
}

func (g *segment) write(w *writer) error {
	err := w.c.run(`INSERT INTO segments (kind, level, first, last, newest, directory) VALUES (?,?,?,?,?,?)`,
		g.kind, g.level, g.first, g.last, g.newest, g.directory)
	if err != nil {
		return err
	}
	id, err := w.c.queryInt(`SELECT last_insert_rowid()`)
	if err != nil {
		return err
	}
	for i, page := range g.pages {
		if err := w.c.run(`INSERT INTO pages (id, data) VALUES (?,?)`, id<<pageBits|int64(i), page); err != nil {
			return err
		}
	}
	return nil
}

func (g *segment) size() int {
	n := len(g.directory)
	for _, p := range g.pages {
		n += len(p)
	}
	return n
}

func dropSegment(w *writer, id int64) error {
	if err := w.c.run(`DELETE FROM pages WHERE id BETWEEN ? AND ?`, id<<pageBits, (id+1)<<pageBits-1); err != nil {
		return err
	}
	return w.c.run(`DELETE FROM segments WHERE id = ?`, id)
}

// FieldsTo implements runtime.Store.
func (s *Store) FieldsTo(ctx context.Context) (to int64, err error) {
	err = s.pool.lend(ctx, func(c *conn) error { to, _, err = indexedTo(c); return err })
	if err != nil {
		return 0, fmt.Errorf("reading how far events are indexed: %w", err)
	}
	return to, nil
}

func indexedTo(c *conn) (events, runs int64, err error) {
	err = c.query(`SELECT events, runs FROM indexed`, func(st *stmt) error { events, runs = st.int(0), st.int(1); return nil })
	return events, runs, err
}

// AddFields implements runtime.Store. It also makes the runs recorded so far findable by recipe.
func (s *Store) AddFields(ctx context.Context, upTo int64, events []runtime.EventFields) error {
	s.indexing.Lock()
	defer s.indexing.Unlock()
	if err := s.addFields(ctx, upTo, events); err != nil {
		return fmt.Errorf("indexing events: %w", err)
	}
	return nil
}

func (s *Store) addFields(ctx context.Context, upTo int64, events []runtime.EventFields) error {
	var segments []*segment
	var to, runsTo int64
	err := s.pool.read(ctx, func(c *conn) (err error) {
		if to, runsTo, err = indexedTo(c); err != nil || upTo <= to {
			return err
		}
		ofE, err := s.eventSegment(c, to, upTo, events)
		if err != nil {
			return err
		}
		segments = append(segments, ofE)
		ofR, err := s.runSegment(c, runsTo)
		if ofR != nil {
			runsTo = ofR.last
			segments = append(segments, ofR)
		}
		return err
	})
	if err != nil || upTo <= to {
		return err
	}
	size := 0
	for _, g := range segments {
		size += g.size()
	}
	err = s.w.do(ctx, opFunc(func(w *writer) error {
		for _, g := range segments {
			if err := g.write(w); err != nil {
				return err
			}
		}
		return w.c.run(`UPDATE indexed SET events = ?, runs = ?`, upTo, runsTo)
	}), size)
	if err != nil {
		return err
	}
	return cmp.Or(s.mergeSegments(ctx, ofEvents), s.mergeSegments(ctx, ofRuns))
}

func (s *Store) eventSegment(c *conn, after, upTo int64, events []runtime.EventFields) (*segment, error) {
	var list []posting
	for _, e := range events {
		if e.Seq <= after || e.Seq > upTo {
			continue
		}
		for _, f := range e.Fields {
			list = append(list, posting{fieldHash(f.Name, f.Value), e.Seq})
		}
	}
	hashes := map[[2]int64]uint64{}
	hash := func(name string, kind, word int64) uint64 {
		h, ok := hashes[[2]int64{kind, word}]
		if !ok {
			h = fieldHash(name, s.names.text(word))
			hashes[[2]int64{kind, word}] = h
		}
		return h
	}
	newest := int64(-1 << 63)
	err := c.query(`SELECT seq, type, connection, coalesce(received, -1 << 63) FROM events WHERE seq > ? AND seq <= ?`, func(st *stmt) error {
		list = append(list, posting{hash(typeName, 0, st.int(1)), st.int(0)}, posting{hash(connName, 1, st.int(2)), st.int(0)})
		newest = max(newest, st.int(3))
		return nil
	}, after, upTo)
	return newSegment(ofEvents, 0, after+1, upTo, newest, list), err
}

// runSegment returns nil where there is no new run.
func (s *Store) runSegment(c *conn, after int64) (*segment, error) {
	var list []posting
	hashes := map[int64]uint64{}
	newest, last := int64(-1<<63), after
	err := c.query(`SELECT seq, recipe, coalesce(started, -1 << 63) FROM runs WHERE seq > ? ORDER BY seq LIMIT ?`, func(st *stmt) error {
		h, ok := hashes[st.int(1)]
		if !ok {
			h = fieldHash(recipeName, s.names.text(st.int(1)))
			hashes[st.int(1)] = h
		}
		last = st.int(0)
		list = append(list, posting{h, last})
		newest = max(newest, st.int(2))
		return nil
	}, after, runsAtATime)
	if err != nil || last == after {
		return nil, err
	}
	return newSegment(ofRuns, 0, after+1, last, newest, list), nil
}

// mergeSegments makes one segment of the newest ones while there are enough of a level.
func (s *Store) mergeSegments(ctx context.Context, kind int) error {
	for {
		var ids []int64
		var list []posting
		level, first, last, newest := -1, int64(0), int64(0), int64(-1<<63)
		err := s.pool.read(ctx, func(c *conn) error {
			err := c.query(`SELECT id, level, first, last, newest FROM segments WHERE kind = ? ORDER BY last DESC LIMIT ?`, func(st *stmt) error {
				if level < 0 {
					level, last = int(st.int(1)), st.int(3)
				}
				if int(st.int(1)) == level && level < finalLevel {
					ids, first, newest = append(ids, st.int(0)), st.int(2), max(newest, st.int(4))
				}
				return nil
			}, kind, mergeWidth)
			if err != nil || len(ids) < mergeWidth {
				return err
			}
			for _, id := range ids {
				if list, err = readSegment(c, id, list); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(ids) < mergeWidth {
			return err
		}
		g := newSegment(kind, level+1, first, last, newest, list)
		err = s.w.do(ctx, opFunc(func(w *writer) error {
			for _, id := range ids {
				if err := dropSegment(w, id); err != nil {
					return err
				}
			}
			return g.write(w)
		}), g.size())
		if err != nil {
			return err
		}
	}
}

// readSegment appends all postings of a segment.
func readSegment(c *conn, id int64, list []posting) ([]posting, error) {
	first, err := c.queryInt(`SELECT first FROM segments WHERE id = ?`, id)
	if err != nil {
		return nil, err
	}
	var seqs []int64
	err = c.query(`SELECT data FROM pages WHERE id BETWEEN ? AND ?`, func(st *stmt) error {
		return readPage(st.blob(0), func(hash uint64, n int, packed []byte) bool {
			seqs = unpackSeqs(seqs[:0], n, first, packed)
			for _, seq := range seqs {
				list = append(list, posting{hash, seq})
			}
			return true
		})
	}, id<<pageBits, (id+1)<<pageBits-1)
	return list, err
}

// dropSegments forgets segments whose events or runs are all forgotten.
func (s *Store) dropSegments(ctx context.Context) error {
	s.indexing.Lock()
	defer s.indexing.Unlock()
	return s.w.do(ctx, opFunc(func(w *writer) error {
		for kind, table := range map[int]string{ofEvents: `events`, ofRuns: `runs`} {
			first, err := w.c.queryInt(`SELECT min(seq) FROM ` + table)
			if err != nil {
				return err
			}
			if first == 0 {
				first = 1<<63 - 1
			}
			var ids []int64
			err = w.c.query(`SELECT id FROM segments WHERE kind = ? AND last < ?`, func(st *stmt) error { ids = append(ids, st.int(0)); return nil }, kind, first)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := dropSegment(w, id); err != nil {
					return err
				}
			}
		}
		return nil
	}), batchBytes/2)
}
