package eval

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

func parse(t testing.TB, src string) hclsyntax.Expression {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "test.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", src, diags)
	}
	return e
}

// value evaluates src in a scope that holds only functions.
func value(t testing.TB, src string) (cty.Value, error) {
	t.Helper()
	return NewScope(Table(), nil).Value(Bound(parse(t, src)))
}

func text(t testing.TB, v cty.Value) string {
	t.Helper()
	b, err := schema.AppendJSON(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestExamplesOfFunctionsAreTrue(t *testing.T) {
	last := ""
	for _, f := range Functions() {
		t.Run(f.Name, func(t *testing.T) {
			if f.Name <= last {
				t.Errorf("stands behind %s", last)
			}
			last = f.Name
			if !strings.HasSuffix(f.Doc, ".") {
				t.Errorf("the sentence %q does not end", f.Doc)
			}
			call, result, ok := strings.Cut(f.Example, " → ")
			if !ok || !strings.HasPrefix(call, f.Name+"(") && !strings.Contains(call, f.Name+"(") {
				t.Fatalf("%q is no example of it", f.Example)
			}
			got, err := value(t, call)
			if err != nil {
				t.Fatal(err)
			}
			want, err := value(t, result)
			if err != nil {
				t.Fatal(err)
			}
			if text(t, got) != text(t, want) {
				t.Errorf("%s gives %s, not %s", call, text(t, got), text(t, want))
			}
		})
	}
}

func TestDesignNamesEveryFunction(t *testing.T) {
	names := `format formatlist join split lower upper title trim trimprefix trimsuffix trimspace replace regex regexall
		substr startswith endswith strcontains indent chomp strrev coalesce compact concat contains distinct element
		flatten index keys values length lookup merge one range reverse slice sort sum toset tolist tomap tostring
		tonumber tobool zipmap alltrue anytrue abs ceil floor max min parseint pow signum log formatdate timeadd timecmp
		jsonencode jsondecode base64encode base64decode urlencode csvdecode md5 sha1 sha256 sha512 uuidv5 try can
		matches money amount from_unix unix in_zone format_number format_time duration full_name first_name last_name
		normalize_email`
	table := Table()
	for _, name := range strings.Fields(names) {
		if _, ok := table[name]; !ok {
			t.Errorf("%s is missing", name)
		}
		delete(table, name)
	}
	for name := range table {
		t.Errorf("%s is not in the language", name)
	}
}

func TestFunctionValues(t *testing.T) {
	for src, want := range map[string]string{
		`money(1234, "usd")`:                                   `"$12.34"`,
		`money(1234, "USD", "de-DE")`:                          `"12,34 $"`,
		`money(123456, "eur", "de-DE")`:                        `"1.234,56 €"`,
		`money(123456, "eur")`:                                 `"€1,234.56"`,
		`money(-5, "usd")`:                                     `"-$0.05"`,
		`money(500, "jpy")`:                                    `"¥500"`,
		`money(1234567, "gbp")`:                                `"£12,345.67"`,
		`money(1234, "kwd")`:                                   `"KWD 1.234"`,
		`money(500, "isk")`:                                    `"ISK 5"`,
		`money(500, "ugx")`:                                    `"UGX 5"`,
		`money(501, "ugx")`:                                    `"UGX 5.01"`,
		`money(1234, "chf", "de-CH")`:                          `"CHF 12.34"`,
		`money(1234, "eur", "nl-NL")`:                          `"€ 12,34"`,
		`money(1234, "eur", "fr-FR")`:                          `"12,34 €"`,
		`money(100, "usd", "en-GB")`:                           `"US$1.00"`,
		`amount(1234, "usd")`:                                  `12.34`,
		`amount(1234, "jpy")`:                                  `1234`,
		`amount(1234, "bhd")`:                                  `1.234`,
		`amount(500, "ugx")`:                                   `5`,
		`amount(1234, "usd") == 12.34`:                         `true`,
		`format_number(1234567, "en-US")`:                      `"1,234,567"`,
		`format_number(0.1, "de")`:                             `"0,1"`,
		`from_unix(1700000000, "America/New_York")`:            `"2023-11-14T17:13:20-05:00"`,
		`format_time(from_unix(1700000000), "D MMM 'MMM' YY")`: `"14 Nov MMM 23"`,
		`format_time(from_unix(1700000000), "EEE D MMM", "UTC", "fr-FR")`: `"mar. 14 nov."`,
		`duration("1w2d3h")`:                                `788400`,
		`duration("1.5s")`:                                  `1.5`,
		`duration("-2m")`:                                   `-120`,
		`coalesce(null, "", "x")`:                           `"x"`,
		`coalesce(null, 0)`:                                 `0`,
		`tostring(10/3)`:                                    `"3.3333333333333335"`,
		`length({a = 1})`:                                   `1`,
		`one([])`:                                           `null`,
		`lookup({a = "x"}, "a")`:                            `"x"`,
		`lookup({a = "x"}, "b", null)`:                      `null`,
		`replace("hello", "/l+/", "[$0]")`:                  `"he[ll]o"`,
		`replace("abc", "", "-")`:                           `"-a-b-c-"`,
		`regex("(?P<user>[^@]+)@(?P<host>.+)", "a@b")`:      `{"host":"b","user":"a"}`,
		`regex("([a-z])([0-9])?", "a")`:                     `["a",null]`,
		`regexall("x", "abc")`:                              `[]`,
		`split(",", "")`:                                    `[""]`,
		`join(",", [1, 2], ["a"])`:                          `"1,2,a"`,
		`format("%05d|%-4s|%.1f|%v|%%", 42, "a", 1.25, {})`: `"00042|a   |1.2|{}|%"`,
		`format("%[2]s %[1]s", "a", "b")`:                   `"b a"`,
		`formatlist("%s-%d", ["a", "b"], 1)`:                `["a-1","b-1"]`,
		`formatlist("x")`:                                   `["x"]`,
		`jsondecode("{\"a\":[1,null,\"x\"]}")`:              `{"a":[1,null,"x"]}`,
		`csvdecode("a,b\n1,2\n3,4\n")`:                      `[{"a":"1","b":"2"},{"a":"3","b":"4"}]`,
		`sum([0.1, 0.2]) == 0.3`:                            `true`,
		`sum([])`:                                           `0`,
		`alltrue([])`:                                       `true`,
		`anytrue([false, null])`:                            `false`,
		`distinct([3, 1, 3])`:                               `[3,1]`,
		`try(1/0, "no")`:                                    `"no"`,
		`can(1/0)`:                                          `false`,
		`try({}.x, [].y, "z")`:                              `"z"`,
		`full_name(" Jo ", "Example")`:                      `"Jo Example"`,
		`last_name("Jo")`:                                   `""`,
		`uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com")`: `"2ed6657d-e927-568b-95e1-2665a8aea6a2"`,
		`timeadd("2024-03-01T12:00:00Z", "-1d")`:                            `"2024-02-29T12:00:00Z"`,
		`jsonencode(9007199254740993)`:                                      `"9007199254740993"`,
	} {
		got, err := value(t, src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if text(t, got) != want {
			t.Errorf("%s = %s, want %s", src, text(t, got), want)
		}
	}
}

func TestErrorsSayWhatIsWrongAndQuoteNoArgument(t *testing.T) {
	const canary = "Zanzibar"
	for src, want := range map[string]string{
		`tonumber(x)`:                            "a number is required",
		`tobool(x)`:                              "a bool is required",
		`upper(tolist(x))`:                       "list",
		`regex("[", x)`:                          "missing closing ]",
		`regex(x, "a")`:                          "matches no part",
		`matches("(${x}", "a")`:                  "missing closing )",
		`duration(x)`:                            "not a duration",
		`timeadd("2024-03-01T12:00:00Z", x)`:     "not a duration",
		`timeadd(x, "1h")`:                       "not a time",
		`formatdate("YYYY", x)`:                  "RFC 3339",
		`formatdate(x, "2024-03-01T12:00:00Z")`:  "layout",
		`format_time("2024-03-01T12:00:00Z", x)`: "not a layout",
		`format_time("2024-03-01T12:00:00Z", "YYYY", "UTC", x)`: "locale",
		`in_zone("2024-03-01T12:00:00Z", x)`:                    "not a time zone",
		`from_unix(1, "Local")`:                                 "not a time zone",
		`from_unix(1, "../../etc/passwd")`:                      "not a time zone",
		`money(1, x)`:                                           "not a currency",
		`money(1, "usd", x)`:                                    "locale",
		`money(1.5, "usd")`:                                     "whole number",
		`money(1, "usd", "en-US", 1)`:                           "too many",
		`jsondecode(x)`:                                         "not JSON",
		`base64decode(x)`:                                       "not ",
		`parseint(x, 10)`:                                       "whole number",
		`lookup({a = 1}, x)`:                                    "no such key",
		`index([1], x)`:                                         "does not hold",
		`element([], 0)`:                                        "not empty",
		`format("%d", x)`:                                       "format",
		`format("%s")`:                                          "format",
		`format("%9999s", x)`:                                   "width",
		`uuidv5(x, "a")`:                                        "UUID",
		`csvdecode("a,a\n${x},1")`:                              "CSV",
		`zipmap([x], [])`:                                       "same length",
		`merge({}, x)`:                                          "maps or objects",
		`try(x.a)`:                                              "none of the expressions",
		`{for i in [1, 2] : x => i}`:                            "same key",
		`{(x) = 1}[upper(x)]`:                                   "does not identify",
		`x ? 1 : 2`:                                             "bool",
		`x + 1`:                                                 "number",
		`coalesce(null, "")`:                                    "null or an empty string",
		`upper(null)`:                                           "null",
		`"a${null}"`:                                            "null",
		`1/0`:                                                   "infinite",
		`pow(10, 400)`:                                          "infinite",
		`log(0, 2)`:                                             "a positive number",
		`range(2000)`:                                           "1024",
		`nosuch(1)`:                                             "no function",
		`nosuch.attr`:                                           "no variable",
		`indent(-1, x)`:                                         "whole number",
		`slice([1], 0, 5)`:                                      "within",
		`log(-1, 10)`:                                           "a positive number",
		`pow(-8, 0.5)`:                                          "raised to a whole number",
		`log(0, 10)`:                                            "a positive number",
		`log(8, 1)`:                                             "a positive base other than 1",
		`substr(x, 0.5, 1)`:                                     "whole numbers",
	} {
		s := NewScope(Table(), nil)
		s.Set("x", cty.StringVal(canary))
		v, err := s.Value(Bound(parse(t, src)))
		if err == nil {
			t.Errorf("%s = %s, want an error", src, text(t, v))
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; it should say %q", src, err, want)
		}
		if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(canary)) {
			t.Errorf("%s: the message quotes a value: %v", src, err)
		}
		if !strings.HasPrefix(err.Error(), "test.hcl:1,") {
			t.Errorf("%s: no place in %v", src, err)
		}
	}
}

func TestNullIsRefusedWhereItMeansNothing(t *testing.T) {
	takesNull := map[string]bool{
		"coalesce": true, "jsonencode": true, "format": true, "formatlist": true, "lookup": true, "merge": true,
		"contains": true, "full_name": true, "tostring": true, "tonumber": true, "tobool": true, "tolist": true,
		"toset": true, "tomap": true,
	}
	for _, f := range Functions() {
		allows := f.Impl.VarParam() != nil && f.Impl.VarParam().AllowNull
		for _, p := range f.Impl.Params() {
			allows = allows || p.AllowNull
		}
		if allows != takesNull[f.Name] {
			t.Errorf("%s: a parameter that takes null: %t", f.Name, allows)
		}
	}
}
