package eval

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/flowrun/flowrun/lang/schema"
)

func encodingFuncs() []Func {
	text := func(f func(string) string) function.Function {
		return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
			return cty.StringVal(f(args[0].AsString())), nil
		}, param("str", cty.String))
	}
	digest := func(sum func([]byte) []byte) function.Function {
		return text(func(s string) string { return hex.EncodeToString(sum([]byte(s))) })
	}
	return []Func{
		{"base64decode", "Decodes base64 to text, which must be UTF-8.", `base64decode("aGk=") → "hi"`, base64decodeFunc()},
		{"base64encode", "Encodes a text's bytes in base64.", `base64encode("hi") → "aGk="`, text(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
		{"csvdecode", "Reads CSV with a header line to a list of objects.", `csvdecode("a,b\n1,2")[0].b → "2"`, csvdecodeFunc()},
		{"jsondecode", "Reads JSON text.", `jsondecode("[1]")[0] → 1`, jsondecodeFunc()},
		{"jsonencode", "Writes a value as JSON text, the keys of objects sorted.", `jsonencode({ b = null, a = 1 }) → "{\"a\":1,\"b\":null}"`, jsonencodeFunc()},
		{"md5", "Gives the MD5 digest of a text in hexadecimal.", `md5("a") → "0cc175b9c0f1b6a831c399e269772661"`, digest(func(b []byte) []byte { d := md5.Sum(b); return d[:] })},
		{"sha1", "Gives the SHA-1 digest of a text in hexadecimal.", `sha1("a") → "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`, digest(func(b []byte) []byte { d := sha1.Sum(b); return d[:] })},
		{"sha256", "Gives the SHA-256 digest of a text in hexadecimal.", `sha256("a") → "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`, digest(func(b []byte) []byte { d := sha256.Sum256(b); return d[:] })},
		{"sha512", "Gives the SHA-512 digest of a text in hexadecimal.", `length(sha512("a")) → 128`, digest(func(b []byte) []byte { d := sha512.Sum512(b); return d[:] })},
		{"urlencode", "Escapes a text for use in a URL's query.", `urlencode("a b&c") → "a+b%26c"`, text(url.QueryEscape)},
		{"uuidv5", "Gives the UUID of a name in a namespace: \"dns\", \"url\", \"oid\", \"x500\" or a UUID.", `uuidv5("dns", "www.example.com") → "2ed6657d-e927-568b-95e1-2665a8aea6a2"`, uuidv5Func()},
	}
}

func base64decodeFunc() function.Function {
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		b, err := base64.StdEncoding.DecodeString(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "not base64")
		}
		if !utf8.Valid(b) {
			return cty.NilVal, function.NewArgErrorf(0, "what it decodes to is not UTF-8 text")
		}
		return cty.StringVal(string(b)), nil
	}, param("str", cty.String))
}

func csvdecodeFunc() function.Function {
	return guarded(quiet(stdlib.CSVDecodeFunc, "CSV is required: a header line of different names, and lines with as many fields"), func(args []cty.Value) error {
		v, _ := args[0].Unmark()
		if !v.IsKnown() || v.IsNull() {
			return nil
		}
		s := v.AsString()
		header, _, _ := strings.Cut(s, "\n")
		columns := strings.Count(header, ",") + 1
		if rows := strings.Count(s, "\n"); rows*(len(header)+(columns+1)*nodeBytes)+len(s) > maxValueBytes {
			return errTooLong
		}
		return nil
	})
}

// jsonValue reads JSON text, within limits: cty's own decoder takes quadratic time.
func jsonValue(s string) (cty.Value, error) {
	raw := []byte(s)
	nodes := bytes.Count(raw, []byte{','}) + bytes.Count(raw, []byte{'['}) + bytes.Count(raw, []byte{'{'})
	if nodes*nodeBytes+len(raw) > maxValueBytes {
		return cty.NilVal, errTooLong
	}
	v, err := schema.DecodeAny(raw)
	if err != nil {
		return cty.NilVal, function.NewArgErrorf(0, "not JSON that can be read: %w", err)
	}
	return v, nil
}

func jsondecodeFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{param("str", cty.String)},
		Type:   function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return jsonValue(args[0].AsString())
		},
	})
}

func jsonencodeFunc() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(cty.String), nil
			}
			text, err := schema.AppendJSON(nil, args[0])
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "a value without infinite numbers is required")
			}
			return cty.StringVal(string(text)), nil
		},
	})
}

func uuidv5Func() function.Function {
	namespaces := map[string]byte{"dns": 0x10, "url": 0x11, "oid": 0x12, "x500": 0x14}
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		space := args[0].AsString()
		id, err := hex.DecodeString("6ba7b8109dad11d180b400c04fd430c8") // the namespaces of RFC 4122 differ in one byte
		if err != nil {
			return cty.NilVal, err
		}
		if last, ok := namespaces[space]; ok {
			id[3] = last
		} else {
			ok := len(space) == 36 && space[8] == '-' && space[13] == '-' && space[18] == '-' && space[23] == '-'
			id, err = hex.DecodeString(strings.ReplaceAll(space, "-", ""))
			if err != nil || !ok || len(id) != 16 {
				return cty.NilVal, function.NewArgErrorf(0, `"dns", "url", "oid", "x500" or a UUID is required`)
			}
		}
		u := sha1.Sum(append(id, args[1].AsString()...))
		u[6] = u[6]&0x0f | 0x50
		u[8] = u[8]&0x3f | 0x80
		return cty.StringVal(fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])), nil
	}, param("namespace", cty.String), param("name", cty.String))
}
