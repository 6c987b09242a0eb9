package lang_test

import "github.com/flowrun/flowrun/lang/schema"

// payloadOf makes the n-th payload: each mode has its turn, and within it each value of an enum.
func (g *generator) payloadOf(o *schema.Object, n int) []byte {
	raw, err := o.Random(g.Rand, n, nil)
	if err != nil {
		panic(err)
	}
	return raw
}
