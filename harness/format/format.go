// Package format writes numbers as all reports do. It is a leaf.
package format

import (
	"math"
	"strconv"
	"strings"
)

// Number writes v with three significant digits, thousands separators and no
// exponent: 0.00123, 1.23, 12.3, 123, 1,230, 12,300. Not-a-number and
// infinities are "n/a".
func Number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "n/a"
	}
	if v == 0 {
		return "0"
	}
	exp := int(math.Floor(math.Log10(math.Abs(v))))
	scale := math.Pow(10, float64(2-exp))
	rounded := math.Round(v*scale) / scale
	if math.Abs(rounded) >= math.Pow(10, float64(exp+1)) {
		exp++ // 9.996 became 10.0
	}
	return Separate(strconv.FormatFloat(rounded, 'f', max(0, 2-exp), 64))
}

// Count writes n with thousands separators.
func Count(n int64) string { return Separate(strconv.FormatInt(n, 10)) }

// Separate puts commas into the integer part of a decimal number.
func Separate(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, dot := strings.Cut(s, ".")
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if dot {
		b.WriteString("." + frac)
	}
	return sign + b.String()
}
