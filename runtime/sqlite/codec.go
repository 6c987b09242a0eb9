package sqlite

// How payloads and steps become bytes. Each blob starts with a byte that says how the rest is packed; a way of packing
// that a released flowrun wrote stays readable for good.

import (
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/flowrun/flowrun/runtime"
)

const (
	packedRaw   = 0
	packedZstd1 = 1 // zstd with dictionary 1

	packMin = 64 // shorter ones are not worth a frame
)

// maxUnpacked bounds what a damaged blob can make us allocate.
const maxUnpacked = 1 << 30

// dictionary1 is text of the kind that is stored: the field names and usual values of Stripe's objects. It must never
// change; a better one gets a number of its own.
//
//go:embed dictionary1.txt
var dictionary1 []byte

type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderDictRaw(1, dictionary1),
		zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(4), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(1, dictionary1), zstd.WithDecoderConcurrency(readers),
		zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, err
	}
	return &codec{enc: enc, dec: dec}, nil
}

func (c *codec) compress(b []byte) []byte {
	if len(b) >= packMin {
		out := make([]byte, 1, len(b)/2+64)
		out[0] = packedZstd1
		if out = c.enc.EncodeAll(b, out); len(out) <= len(b) {
			return out
		}
	}
	return append([]byte{packedRaw}, b...)
}

var errDamaged = errors.New("a stored value is damaged")

func (c *codec) expand(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, errDamaged
	}
	switch b[0] {
	case packedRaw:
		return append([]byte{}, b[1:]...), nil
	case packedZstd1:
		out, err := c.dec.DecodeAll(b[1:], nil)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: packed in way %d, which this flowrun does not know", errDamaged, b[0])
}

// packer appends fields; unpacker reads them back in the same order. A nil slice and an empty one stay apart.
type packer []byte

func (p *packer) int(v int64)   { *p = binary.AppendVarint(*p, v) }
func (p *packer) text(v string) { *p = append(binary.AppendUvarint(*p, uint64(len(v))), v...) }

func (p *packer) bytes(v []byte) {
	if v == nil {
		*p = binary.AppendUvarint(*p, 0)
		return
	}
	*p = append(binary.AppendUvarint(*p, uint64(len(v))+1), v...)
}

func (p *packer) time(t time.Time) {
	if t.IsZero() {
		p.int(0)
		return
	}
	ns := nanos(t)
	if ns >= 0 {
		ns++ // so that 0 is free to say zero time
	}
	p.int(ns)
}

func (p *packer) err(e *runtime.StepError) error {
	if e == nil {
		p.bytes(nil)
		return nil
	}
	b, err := json.Marshal(e)
	p.bytes(b)
	return err
}

// key packs the hex of a key into half its length; what is not such hex stays as it is.
func (p *packer) key(v string) {
	if b, err := hex.DecodeString(v); err == nil && len(b) > 0 && hex.EncodeToString(b) == v {
		p.int(1)
		p.bytes(b)
		return
	}
	p.int(0)
	p.text(v)
}

type unpacker struct {
	b   []byte
	bad bool
}

func (u *unpacker) int() int64 {
	v, n := binary.Varint(u.b)
	if n <= 0 {
		u.bad = true
		return 0
	}
	u.b = u.b[n:]
	return v
}

func (u *unpacker) take(extra uint64) ([]byte, bool) {
	l, n := binary.Uvarint(u.b)
	if n <= 0 || l > uint64(len(u.b)-n)+extra {
		u.bad = true
		return nil, false
	}
	if l < extra {
		u.b = u.b[n:]
		return nil, false
	}
	end := n + int(l-extra)
	v := u.b[n:end:end]
	u.b = u.b[end:]
	return v, true
}

func (u *unpacker) text() string {
	b, _ := u.take(0)
	return string(b)
}

func (u *unpacker) bytes() []byte {
	b, ok := u.take(1)
	if !ok {
		return nil
	}
	return append([]byte{}, b...)
}

func (u *unpacker) time() time.Time {
	ns := u.int()
	if ns == 0 {
		return time.Time{}
	}
	if ns > 0 {
		ns--
	}
	return time.Unix(0, ns).UTC()
}

func (u *unpacker) key() string {
	if u.int() == 1 {
		return hex.EncodeToString(u.bytes())
	}
	return u.text()
}

func (u *unpacker) err() *runtime.StepError {
	b := u.bytes()
	if b == nil {
		return nil
	}
	e := new(runtime.StepError)
	if json.Unmarshal(b, e) != nil {
		u.bad = true
	}
	return e
}

func (u *unpacker) done() error {
	if u.bad {
		return errDamaged
	}
	return nil
}
