package record

import hdr "github.com/HdrHistogram/hdrhistogram-go"

// Infinite is the least value that a percentile of ServiceTimes or ResponseTimes has
// where it is not known how long operations took, only that it was longer than
// anything that is known.
const Infinite = HDRMaxNS

// ServiceTimes decodes the service times of an operation type. Those out of the
// histogram's range are in it as Infinite.
func (o *OpStats) ServiceTimes() (*hdr.Histogram, error) { return timesOf(o.ServiceHDR, o.OutOfRange) }

// ResponseTimes decodes the response times of t's operation type o, from the
// intended start; nil for a closed loop, which has none. Operations that were never
// sent are in it as Infinite: whoever asked for them waited in vain. The record does
// not say of which type they were, so each type is charged with all.
func (t *Trial) ResponseTimes(o *OpStats) (*hdr.Histogram, error) {
	if t.OpenLoop == nil {
		return nil, nil
	}
	return timesOf(o.ResponseHDR, o.OutOfRange+t.OpenLoop.Unsent)
}

// SendLags decodes the times from the intended start to the send, with Infinite for
// operations that were never sent.
func (o *OpenLoop) SendLags() (*hdr.Histogram, error) { return timesOf(o.SendLagHDR, o.Unsent) }

func timesOf(encoded string, infinite int64) (*hdr.Histogram, error) {
	h, err := DecodeHDR(encoded)
	if err != nil || infinite == 0 {
		return h, err
	}
	return h, h.RecordValues(Infinite, infinite)
}
