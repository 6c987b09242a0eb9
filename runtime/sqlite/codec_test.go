package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/flowrun/flowrun/runtime"
)

// TestDictionary fails where the dictionary is changed: every stored payload needs it as it was.
func TestDictionary(t *testing.T) {
	const want = "4907cfa587bf3b295ce19ea16ea921d57281f7c1e064cfb892b5cf142515f7aa"
	if sum := sha256.Sum256(dictionary1); hex.EncodeToString(sum[:]) != want {
		t.Errorf("dictionary 1 has the sum %x, want %s", sum, want)
	}
}

func TestCodecRoundTrip(t *testing.T) {
	c := newCodec()
	r := rand.New(rand.NewPCG(1, 1))
	values := [][]byte{{}, {0}, []byte("x"), sample, dictionary1, bytes.Repeat([]byte("ab"), 100_000)}
	for n := 1; n < 1<<18; n *= 3 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		values = append(values, b)
	}
	for _, v := range values {
		packed := c.compress(v, packMin)
		if len(packed) > len(v)+1 {
			t.Errorf("%d bytes became %d", len(v), len(packed))
		}
		got, err := c.expand(packed)
		if err != nil || !bytes.Equal(got, v) {
			t.Errorf("%d bytes came back as %d: %v", len(v), len(got), err)
		}
	}
	if n := len(c.compress(sample, packMin)); n > len(sample)/2 {
		t.Errorf("an event of %d bytes takes %d", len(sample), n)
	}
}

func FuzzExpand(f *testing.F) {
	c := newCodec()
	f.Add([]byte{})
	f.Add([]byte{packedRaw})
	f.Add([]byte{9, 1, 2})
	f.Add(c.compress(sample, packMin))
	f.Add(c.compress(sample, packMin)[:100])
	f.Add([]byte{packedS21, 0xff, 0xff, 0xff, 0xff, 0x0f, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := c.expand(b); err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("error %v", err)
		}
	})
}

func FuzzUnpackStep(f *testing.F) {
	s := &Store{codec: newCodec(), names: &names{ids: map[string]int64{"": 0}, word: map[int64]string{}}}
	change := makeChange(rand.New(rand.NewPCG(1, 1)), event("evt_1"))
	for _, st := range change.Runs[0].Steps {
		st.Address, st.Action = "", ""
		st.Error = &runtime.StepError{Kind: "server", Message: "m"}
		st.Attempts[0].Error = st.Error
		packed, err := s.packStep(context.Background(), st)
		if err != nil {
			f.Fatal(err)
		}
		got, err := s.unpackStep(int64(st.Index), packed)
		if err != nil || !reflect.DeepEqual(got.Attempts[0].Error, st.Error) || got.Key != st.Key {
			f.Fatalf("%+v came back as %+v: %v", st, got, err)
		}
		raw, err := s.codec.expand(packed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := s.unpackStep(0, append([]byte{packedRaw}, b...)); err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("error %v", err)
		}
	})
}

// TestDamagedRow checks that a blob that can't be read is an error that says whose it is.
func TestDamagedRow(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
	e := event("evt_1")
	if _, err := s.AcceptEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	c := makeChange(rand.New(rand.NewPCG(1, 1)), e)
	if err := s.Record(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []sqlOp{`UPDATE payloads SET data = x'0102'`, `UPDATE steps SET data = x''`} {
		if err := s.w.do(t.Context(), sql, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.EventBySeq(t.Context(), e.Seq); !errors.Is(err, errDamaged) {
		t.Errorf("event: %v", err)
	}
	if _, err := s.Run(t.Context(), c.Runs[0].ID); !errors.Is(err, errDamaged) {
		t.Errorf("run: %v", err)
	}
}
