package report

import (
	"fmt"
	"regexp"
	"strings"
)

// unmeasured are the digits that prose may have, because they measure nothing.
var unmeasured = []*regexp.Regexp{
	regexp.MustCompile(`(?s)\{\{.*?\}\}`),                  // actions, which are where numbers come from
	regexp.MustCompile("(?s)```.*?```|`[^`]*`"),            // code
	regexp.MustCompile(`(?m)^(?: {4}|\t).*$`),              // code
	regexp.MustCompile(`\]\([^)]*\)`),                      // addresses of links
	regexp.MustCompile(`(?m)^#+ +[0-9.]+`),                 // numbers of headings
	regexp.MustCompile(`(?m)^ *[0-9]+\. `),                 // numbers of lists
	regexp.MustCompile(`\b[A-Z][0-9]+(?:\.[0-9]+)?\b`),     // claims: T1, P1.2
	regexp.MustCompile(`\bv[0-9]+(?:\.[0-9]+)*\b`),         // versions
	regexp.MustCompile(`\b(?:p|P)[0-9]{2}(?:\.[0-9]+)?\b`), // percentiles
	regexp.MustCompile(`\b95 % (?:confidence|intervals?)\b`),
	regexp.MustCompile(`\b[Pp]hases? [0-9](?:(?:,| and| to) [0-9])*\b`), // names of phases
}

var digits = regexp.MustCompile(`\S*[0-9]\S*`)

// checkProse finds numbers that were typed by hand into a template: those that are not
// in an action, code, an address, or a name with a number in it. Each error has the file
// and line.
func checkProse(file, source string) []error {
	for _, may := range unmeasured {
		source = may.ReplaceAllStringFunc(source, blank)
	}
	var errs []error
	n := 0
	for line := range strings.Lines(source) {
		n++
		for _, word := range digits.FindAllString(line, -1) {
			errs = append(errs, fmt.Errorf("%s:%d: %q is typed by hand; accepted: a fact, such as {{fact RUN ADDRESS}}, or code between `backticks`", file, n, word))
		}
	}
	return errs
}

// blank keeps a text's lines and nothing else.
func blank(s string) string { return " " + strings.Repeat("\n", strings.Count(s, "\n")) + " " }
