package runtime

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// RunID returns the id of the run of a recipe for an event. It depends on nothing else, so that an event which is
// taken up again after a crash meets its own runs; it begins with the second of the event, so that ids are found in
// the order of time. replay names the run that is replayed, and how often; it is empty for a first run.
func RunID(e *Event, recipe, replay string) string {
	sum := digest(e.Connection, e.ID, recipe, replay)
	var at [5]byte // a bit string of 40: whole characters of the encoding
	sec := uint64(max(0, e.Time.Unix()))
	for i := range at {
		at[i] = byte(sec >> (8 * (4 - i)))
	}
	return "run_" + idEncoding.EncodeToString(at[:]) + idEncoding.EncodeToString(sum[:10])
}

// StepKey returns the idempotency key of a step: 32 bytes in hex, the same for every attempt, after a crash and in a
// replay. Only a higher generation, asked for by a person who wants the effect again, changes it.
func StepKey(recipe, connection, eventID, address, each string, generation int) string {
	sum := digest(recipe, connection, eventID, address, each, strconv.Itoa(generation))
	return hex.EncodeToString(sum[:])
}

// Rekey returns the key that follows from another for the n-th time, for a reason; for the 0th time it is the other.
func Rekey(key, reason string, n int) string {
	if n == 0 {
		return key
	}
	sum := digest(key, reason, strconv.Itoa(n))
	return hex.EncodeToString(sum[:])
}

// maxAwaitKey is the longest key that is kept as it is.
const maxAwaitKey = 64

// AwaitKey returns what a value is looked up by, as Await.Key says: equal values have the same. ok is false where the
// value is null or not a string, a number or a bool, so that nothing equals it.
func AwaitKey(v cty.Value) (key string, ok bool) {
	v, _ = v.Unmark()
	if v == cty.NilVal || !v.IsKnown() || v.IsNull() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	raw, err := schema.AppendJSON(nil, v)
	if err != nil {
		return "", false
	}
	if len(raw) > maxAwaitKey {
		sum := sha256.Sum256(raw)
		return hex.EncodeToString(sum[:]), true
	}
	return string(raw), true
}

// AwaitKeyOf is AwaitKey of a value in a payload. An object is looked up by its id, as a reference that was expanded is
// read.
func AwaitKeyOf(raw []byte) (key string, ok bool) {
	if len(raw) == 0 {
		return "", false
	}
	if id := schema.Lookup(raw, "id"); id != nil {
		raw = id
	}
	v, err := schema.DecodeAny(raw)
	if err != nil {
		return "", false
	}
	return AwaitKey(v)
}

// digest hashes the parts with their lengths, so that no two lists of parts share a hash by their seams.
func digest(parts ...string) [sha256.Size]byte {
	var buf [512]byte
	b := buf[:0]
	for _, p := range parts {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(b, ':')
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}
