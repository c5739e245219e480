// Package query answers what is asked of the records of runs that are there: how two cells
// or two runs compare (Compare), and their trials in formats of other programs (Export).
// What a run's plan asks is package facts' business.
package query
