package report

import (
	"metastorebench/harness/facts"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

// Ceilings is a table of the probes: what the machine did at best, without a store.
func Ceilings(c *record.Ceilings) format.Table {
	doc := facts.Ceilings(c)
	return Table(doc, doc.Views[0].Tables[0], format.Text)
}
