package format

import (
	"fmt"
	"strings"
)

// DidYouMean asks for the candidate that a word was probably meant to be; "" if none is
// near. Prefix is put before it, e.g. "--".
func DidYouMean(word string, candidates []string, prefix string) string {
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		d := distance(word, c)
		if len(word) > 1 && strings.HasPrefix(c, word) {
			d = 1
		}
		if d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s%s?", prefix, best)
}

// distance counts the letters to insert, remove, replace or exchange with their
// neighbours that make b of a (the optimal string alignment distance).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := range rows[i] {
			switch {
			case i == 0:
				rows[i][j] = j
			case j > 0:
				change := 1
				if a[i-1] == b[j-1] {
					change = 0
				}
				rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
				}
			}
		}
	}
	return rows[len(a)][len(b)]
}
