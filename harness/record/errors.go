package record

import "errors"

// Errors of the readers. Each is wrapped with the file, the line where there is
// one, and the values that disagree.
var (
	// ErrSchema says that a file was written with another major version of the schema.
	ErrSchema = errors.New("unsupported results schema")
	// ErrDamaged says that a file cannot be read as what it should be: broken
	// JSON, an unknown or missing field, a value outside its range.
	ErrDamaged = errors.New("damaged results file")
	// ErrTorn says that the last line of the records is cut short, as an
	// interrupted trial leaves it. Resume drops it; a reader refuses.
	ErrTorn = errors.New("last record is cut short")
	// ErrHistogram says that an encoded histogram is damaged or has another
	// geometry than NewHistogram gives.
	ErrHistogram = errors.New("unusable histogram")
)
