package sqlite

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/flowrun/flowrun/runtime"
)

// postings makes n postings of chance, few and many for a value.
func postings(r *rand.Rand, n int) []posting {
	list := make([]posting, n)
	for i := range list {
		list[i] = posting{r.Uint64() >> hashDropBits, 1000 + r.Int64N(4000)}
		if i%3 == 0 {
			list[i].hash = r.Uint64N(5)
		}
	}
	return list
}

func TestSegment(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 100, 20_000} {
		list := postings(r, n)
		g := newSegment(ofEvents, 0, 1000, 5000, 0, slices.Clone(list))
		want := map[uint64][]int64{}
		for _, p := range list {
			if !slices.Contains(want[p.hash], p.seq) {
				want[p.hash] = append(want[p.hash], p.seq)
			}
		}
		for hash, seqs := range want {
			slices.Sort(seqs)
			page, ok := pageOf(g.directory, hash)
			var got []int64
			if ok {
				err := readPage(g.pages[page], func(h uint64, n int, packed []byte) bool {
					if h == hash {
						got = unpackSeqs(nil, n, g.first, packed)
					}
					return h < hash
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, seqs) {
				t.Fatalf("of %d, %x has %v, want %v", n, hash, got, seqs)
			}
		}
	}
}

// TestSegmentsStayFew indexes one event at a time: as many segments would make a query slow.
func TestSegmentsStayFew(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
	const n = 700
	for seq := int64(1); seq <= n; seq++ {
		err := s.AddFields(t.Context(), seq, []runtime.EventFields{{Seq: seq, Fields: []runtime.Field{{Name: "n", Value: "1"}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var first, last []int64
	found := 0
	err := s.pool.read(t.Context(), func(c *conn) error {
		err := c.query(`SELECT first, last FROM segments ORDER BY first`, func(st *stmt) error {
			first, last = append(first, st.int(0)), append(last, st.int(1))
			return nil
		})
		if err != nil {
			return err
		}
		return indexed(c, ofEvents, hashes([]runtime.Field{{Name: "n", Value: "1"}}), forever, -1<<63, func(seq int64) error {
			if want := int64(n - found); seq != want {
				t.Fatalf("found %d, want %d", seq, want)
			}
			found++
			return nil
		})
	})
	if err != nil || found != n {
		t.Fatalf("found %d, %v", found, err)
	}
	if len(first) > 4*mergeWidth || first[0] != 1 || last[len(last)-1] != n {
		t.Errorf("there are %d segments, from %v to %v", len(first), first, last)
	}
	for i := range len(first) - 1 {
		if first[i+1] != last[i]+1 {
			t.Errorf("segments from %v to %v", first, last)
			break
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func FuzzReadPage(f *testing.F) {
	g := newSegment(ofEvents, 0, 1000, 5000, 0, postings(rand.New(rand.NewPCG(1, 2)), 300))
	for _, page := range g.pages {
		f.Add(page)
		f.Add(page[:len(page)/2])
	}
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1})
	f.Fuzz(func(t *testing.T, page []byte) {
		err := readPage(page, func(_ uint64, n int, packed []byte) bool {
			if got := unpackSeqs(nil, n, 0, packed); len(got) > len(page) {
				t.Errorf("%d bytes hold %d Seqs", len(page), len(got))
			}
			return true
		})
		if err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("error %v", err)
		}
	})
}
