package report

// Extract returns the text between the section's markers.
func Extract(doc, section string) (string, error) {
	s, err := find(doc, section)
	if err != nil {
		return "", err
	}
	return doc[s.from:s.to], nil
}

// WithSection is withSection.
var WithSection = withSection

// LedgerTables is the part of a section that holds the ledger.
func LedgerTables(in Input) (string, error) {
	b, err := newBuilder(in)
	if err != nil {
		return "", err
	}
	err = b.ledgerTables()
	return b.String(), err
}
