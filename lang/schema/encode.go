package schema

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// AppendJSON appends v as JSON to dst. Equal values give equal bytes: the keys of objects and maps are sorted, whole
// numbers are exact, other numbers are the shortest text that gives the same float64. Marks are dropped. It is an error
// where v holds an unknown value, an infinite number or a capsule; the error quotes nothing of v.
func AppendJSON(dst []byte, v cty.Value) ([]byte, error) { return appendValue(dst, v, false) }

// AppendJSONOmitNull is AppendJSON without the members of objects and maps that are null; nulls in lists stay.
func AppendJSONOmitNull(dst []byte, v cty.Value) ([]byte, error) { return appendValue(dst, v, true) }

func appendValue(dst []byte, v cty.Value, omitNull bool) ([]byte, error) {
	if v == cty.NilVal {
		return dst, errors.New("no value")
	}
	if v.IsMarked() {
		v, _ = v.Unmark()
	}
	if !v.IsKnown() {
		return dst, errors.New("a value is not known")
	}
	if v.IsNull() {
		return append(dst, "null"...), nil
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		return appendString(dst, v.AsString()), nil
	case ty == cty.Number:
		return appendNumber(dst, v.AsBigFloat())
	case ty == cty.Bool:
		return strconv.AppendBool(dst, v.True()), nil
	case ty.IsObjectType(), ty.IsMapType():
		dst = append(dst, '{')
		first := true
		for it := v.ElementIterator(); it.Next(); { // in the order of the keys
			k, val := it.Element()
			if omitNull && val.IsNull() {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendString(dst, k.AsString()), ':')
			var err error
			if dst, err = appendValue(dst, val, omitNull); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case ty.IsListType(), ty.IsTupleType(), ty.IsSetType():
		dst = append(dst, '[')
		first := true
		for it := v.ElementIterator(); it.Next(); {
			_, val := it.Element()
			if !first {
				dst = append(dst, ',')
			}
			first = false
			var err error
			if dst, err = appendValue(dst, val, omitNull); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
	return dst, errors.New("a value has no JSON form")
}

// appendNumber writes a number as JSON, and as strings hold it.
func appendNumber(dst []byte, f *big.Float) ([]byte, error) {
	switch {
	case f.IsInf():
		return dst, errors.New("must not be infinite")
	case isWhole(f):
		if n, acc := f.Int64(); acc == big.Exact {
			return strconv.AppendInt(dst, n, 10), nil
		}
		return f.Append(dst, 'f', 0), nil
	}
	n, _ := f.Float64()
	abs := math.Abs(n)
	switch {
	case math.IsInf(n, 0):
		return dst, errors.New("is a number too large to be written")
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.AppendFloat(dst, n, 'e', -1, 64), nil
	}
	return strconv.AppendFloat(dst, n, 'f', -1, 64), nil
}

const hexDigits = "0123456789abcdef"

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= 0x20 && b < utf8.RuneSelf && b != '"' && b != '\\' {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
