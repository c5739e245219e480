package facts

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
)

// viewer answers one kind of question.
type viewer func(b *builder, v plan.View) (View, error)

// viewers are all kinds of views; plan.ViewKinds names the same.
var viewers = map[string]viewer{
	"aa":          (*builder).aaView,
	"attribution": (*builder).attributionView,
	"bounds":      (*builder).boundsView,
	"capacity":    (*builder).capacityView,
	"cells":       (*builder).cellsView,
	"effects":     (*builder).effectsView,
	"grid":        (*builder).gridView,
	"ladder":      (*builder).ladderView,
	"ledger":      (*builder).ledgerView,
	"openloop":    (*builder).openloopView,
	"stages":      (*builder).stagesView,
	"sweep":       (*builder).sweepView,
}

// views answers the plan's questions in its order.
func (b *builder) views() error {
	for _, v := range b.asked.Views {
		answer, known := viewers[v.Kind]
		if !known { // of a plan that a newer program recorded
			answer = func(*builder, plan.View) (View, error) {
				return View{Notes: []string{fmt.Sprintf("This program does not know views of kind %q.", v.Kind)}}, nil
			}
		}
		made, err := answer(b, v)
		if err != nil {
			return fmt.Errorf("view %s: %w", v.ID, err)
		}
		made.ID, made.Kind, made.Title, made.Doc = v.ID, v.Kind, v.Title, v.Doc
		b.doc.Views = append(b.doc.Views, made)
	}
	return nil
}

// table collects rows whose keys are unique.
type table struct{ Table }

func newTable(id, caption string, columns ...Column) *table {
	return &table{Table{ID: id, Caption: caption, Columns: columns, Rows: []Row{}}}
}

// add appends a row; key is made unique by a number where it is not.
func (t *table) add(key string, cells ...Value) {
	unique := key
	for n := 2; slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Key == unique }); n++ {
		unique = fmt.Sprintf("%s (%d)", key, n)
	}
	t.Rows = append(t.Rows, Row{Key: unique, Cells: cells})
}

// note adds a sentence under the table, once.
func (t *table) note(text string) {
	if !slices.Contains(t.Notes, text) {
		t.Notes = append(t.Notes, text)
	}
}

// word is a value that is no fact.
func word(text string) Value { return Value{Text: text} }

// known is the value of a fact; n/a for none.
func known(id int) Value {
	if id == 0 {
		return Value{Text: none}
	}
	return Value{Fact: id}
}

// textColumn and numberColumn are headings by their keys.
func textColumn(key string) Column { return Column{Key: key, Title: titleOf(key), Text: true} }

func metricColumn(m metric.Metric) Column { return Column{Key: m.Name, Title: m.Heading()} }

func ratioColumn(m metric.Metric) Column {
	return Column{Key: m.Name + "_ratio", Title: m.Title + " ratio"}
}

// titleOf writes a property's name as a heading.
func titleOf(property string) string { return strings.ReplaceAll(property, "_", " ") }
