package runtime

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strconv"
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
