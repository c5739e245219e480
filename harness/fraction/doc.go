// Package fraction holds the standard regular two-level fractional factorial
// designs of 6 to 10 factors, and says what each cannot tell apart. It is pure
// and a leaf: plans take their settings from it, analysis its alias sets.
//
// # How a fraction comes about
//
//  1. A setting is the set of factors that are on. An effect is named by the set
//     of factors that make it: A a main effect, AB an interaction. Both are a
//     Word, bit i for factor i; letters are A to H, J, K, as the books have them.
//  2. A design of k factors keeps 2^(k-p) of the 2^k settings: those that hold an
//     even number of each defining word's factors. The baseline (nothing on) is
//     therefore always among them.
//  3. With x = +1 for on and -1 for off, the product of a word's x is the same in
//     every setting kept: +1 for a word of even length, -1 for one of odd length.
//     This, for all products of defining words, is the defining relation
//     (I = ABCDEF).
//  4. An effect can therefore not be told from its products with those words: they
//     are aliases. The estimate of A under I = ABCDEF is A + BCDEF.
//  5. The shortest word is the resolution: at V or more neither main effects nor
//     interactions of two are aliased with one another; at IV interactions of two
//     are, with one another.
//
// # Source
//
// The generators are those of Box, Hunter and Hunter, Statistics for
// Experimenters, 2nd ed., table 6.22, and Montgomery, Design and Analysis of
// Experiments, table 8.14: of each size and resolution the design of least
// aberration. A test computes the resolutions anew.
package fraction
