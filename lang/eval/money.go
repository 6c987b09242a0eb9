package eval

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Amounts are in the smallest unit that Stripe charges in, which is not always the one ISO 4217 says:
//
//   - ISK and UGX have no smaller unit, yet Stripe keeps two decimals for both, always 00: 500 is 5 ISK. They are
//     divided by 100 here and written without decimals.
//   - MGA has a smaller unit of a fifth; Stripe has none.

func moneyFuncs() []Func {
	l := &locales{}
	return []Func{
		{"amount", "Gives an amount in whole units of its currency, from the smallest unit as Stripe has it.", `amount(1234, "usd") → 12.34`, amountFunc()},
		{"format_number", "Writes a number with the separators of a locale.", `format_number(1234567.5, "de-DE") → "1.234.567,5"`, formatNumberFunc(l)},
		{"money", "Writes an amount, given in the smallest unit as Stripe has it, with its currency as a locale does; en-US where none is given.", `money(123456, "eur", "de-DE") → "1.234,56 €"`, moneyFunc(l)},
	}
}

// decimals returns how many decimals an amount in the smallest unit holds, and how many of them are shown.
func decimals(code string) (held, shown int) {
	switch code {
	case "ISK", "UGX":
		return 2, 0
	case "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0, 0
	case "BHD", "JOD", "KWD", "OMR", "TND":
		return 3, 3
	}
	return 2, 2
}

func currencyOf(args []cty.Value, i int) (string, error) {
	code := strings.ToUpper(args[i].AsString())
	if _, err := currency.ParseISO(code); err != nil {
		return "", function.NewArgErrorf(i, `not a currency: a code such as "usd" is required`)
	}
	return code, nil
}

func amountFunc() function.Function {
	return plain(cty.Number, func(args []cty.Value) (cty.Value, error) {
		code, err := currencyOf(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		held, _ := decimals(code)
		if held == 0 {
			return args[0], nil
		}
		f := new(big.Float).SetPrec(512).Set(args[0].AsBigFloat())
		return cty.NumberVal(f.Quo(f, new(big.Float).SetPrec(512).SetInt64(int64(math.Pow10(held))))), nil
	}, param("minor", cty.Number), param("currency", cty.String))
}

// locales keeps what belongs to a locale: making a printer takes longer than printing.
type locales struct{ byName sync.Map }

type locale struct {
	tag     language.Tag
	english bool
	printer *message.Printer
	before  string // between symbol and number; where the symbol stands behind, after is set
	after   string
}

func (l *locales) load(i int, name string) (*locale, error) {
	if loc, ok := l.byName.Load(name); ok {
		return loc.(*locale), nil
	}
	bad := function.NewArgErrorf(i, `not a locale: one such as "en-US" or "de-DE" is required`)
	if len(name) > 35 || name == "" {
		return nil, bad
	}
	tag, err := language.Parse(name)
	if err != nil {
		return nil, bad
	}
	loc := &locale{tag: tag, printer: message.NewPrinter(tag), after: " "}
	base, _ := tag.Base()
	region, _ := tag.Region()
	loc.english = base.String() == "en" && (region.String() == "US" || region.String() == "GB")
	switch base.String() {
	case "en", "ja", "zh", "ko", "th", "hi", "tr", "cy", "ga":
		loc.after = ""
	case "nl", "pt":
		loc.after, loc.before = "", " "
		if region.String() == "PT" {
			loc.after, loc.before = " ", ""
		}
	case "es":
		if region.String() != "ES" {
			loc.after = ""
		}
	case "de", "it":
		switch region.String() {
		case "AT", "CH", "LI":
			loc.after, loc.before = "", " "
		}
	}
	l.byName.Store(name, loc)
	return loc, nil
}

// number writes n/10^held with the given decimals.
func (l *locale) number(n int64, held, shown int) string {
	if !l.english {
		return l.printer.Sprint(number.Decimal(float64(n)/math.Pow10(held), number.Scale(shown)))
	}
	digits := strconv.FormatInt(n, 10)
	if len(digits) <= held {
		digits = strings.Repeat("0", held+1-len(digits)) + digits
	}
	whole, fraction := digits[:len(digits)-held], digits[len(digits)-held:]
	var out strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteByte(whole[i])
	}
	if shown > 0 {
		out.WriteString("." + fraction[:shown])
	}
	return out.String()
}

// symbol is the sign of a currency in the locale, or its code where it has none there.
func (l *locale) symbol(code string) string {
	if l.english {
		switch code {
		case "USD":
			if region, _ := l.tag.Region(); region.String() == "US" {
				return "$"
			}
		case "EUR":
			return "€"
		case "GBP":
			return "£"
		}
	}
	unit, err := currency.ParseISO(code)
	if err != nil {
		return code
	}
	return strings.TrimSpace(l.printer.Sprint(currency.Symbol(unit)))
}

func moneyFunc(l *locales) function.Function {
	return optional(cty.String, func(args []cty.Value) (cty.Value, error) {
		n, acc := args[0].AsBigFloat().Int64()
		if acc != big.Exact || n > 1<<53 || n < -1<<53 {
			return cty.NilVal, function.NewArgErrorf(0, "a whole number of the currency's smallest unit is required")
		}
		code, err := currencyOf(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		name := "en-US"
		if len(args) > 2 {
			name = args[2].AsString()
		}
		loc, err := l.load(2, name)
		if err != nil {
			return cty.NilVal, err
		}
		sign := ""
		if n < 0 {
			sign, n = "-", -n
		}
		held, shown := decimals(code)
		if held > shown && n%int64(math.Pow10(held)) != 0 {
			shown = held // not how it should be, so it is not hidden
		}
		text, symbol := loc.number(n, held, shown), loc.symbol(code)
		switch {
		case loc.after != "":
			return cty.StringVal(sign + text + loc.after + symbol), nil
		case loc.before == "" && symbol == code:
			return cty.StringVal(sign + symbol + " " + text), nil
		}
		return cty.StringVal(sign + symbol + loc.before + text), nil
	}, param("locale", cty.String), 1, param("minor", cty.Number), param("currency", cty.String))
}

func formatNumberFunc(l *locales) function.Function {
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		loc, err := l.load(1, args[1].AsString())
		if err != nil {
			return cty.NilVal, err
		}
		f := args[0].AsBigFloat()
		if n, acc := f.Int64(); acc == big.Exact {
			return cty.StringVal(loc.printer.Sprint(number.Decimal(n))), nil
		}
		n, _ := f.Float64()
		if math.Abs(n) > 1e21 || f.IsInf() {
			return cty.NilVal, function.NewArgErrorf(0, "the number is too large")
		}
		return cty.StringVal(loc.printer.Sprint(number.Decimal(n, number.MaxFractionDigits(15)))), nil
	}, param("number", cty.Number), param("locale", cty.String))
}
