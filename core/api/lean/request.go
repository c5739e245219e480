package lean

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// route says who serves a request.
type route int

const (
	toSession route = iota
	toGRPC
	toWeb
)

// refusal answers a request by its head alone, as grpc-go does.
type refusal struct {
	httpStatus int
	err        error // a status
}

func refuse(httpStatus int, code codes.Code, format string, args ...any) *refusal {
	return &refusal{httpStatus, status.Errorf(code, format, args...)}
}

const grpcType = "application/grpc"

// isGRPC reports whether a content type is gRPC's, with any message format.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, grpcType)
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// routeOf decides who serves a request. method is the session's own number of it, and
// timeout what the caller allows, if limited.
func (s *Server) routeOf(h *head) (to route, method int, timeout time.Duration, limited bool, no *refusal) {
	if !isGRPC(h.contentType) {
		if s.isService(h.path) {
			no = refuse(http.StatusUnsupportedMediaType, codes.InvalidArgument, "invalid gRPC request content-type %q", h.contentType)
		}
		return toWeb, 0, 0, false, no
	}
	if no = h.refuseGRPC(); no != nil {
		return toGRPC, 0, 0, false, no
	}
	if h.timeout != "" {
		var err error
		if timeout, err = parseTimeout(h.timeout); err != nil {
			return toGRPC, 0, 0, false, refuse(http.StatusBadRequest, codes.Internal, "malformed grpc-timeout: %v", err)
		}
		limited = true
	}
	method, ours := s.methods[h.path]
	if ours && h.contentType == grpcType && !h.encoded {
		return toSession, method, timeout, limited, nil
	}
	return toGRPC, 0, timeout, limited, nil
}

// refuseGRPC makes the checks of a gRPC request that grpc-go makes, with its words.
func (h *head) refuseGRPC() *refusal {
	if h.authorities > 1 || h.hosts > 1 {
		return refuse(http.StatusBadRequest, codes.Internal, "num values of :authority: %d, num values of host: %d, both must only have 1 value as per HTTP/2 spec", h.authorities, h.hosts)
	}
	if h.binary {
		for _, f := range h.fields {
			if !strings.HasSuffix(f.Name, "-bin") {
				continue
			}
			if err := checkBinary(f.Value); err != nil {
				return refuse(http.StatusBadRequest, codes.Internal, "malformed binary metadata %q in header %q: %v", f.Value, f.Name, err)
			}
		}
	}
	if h.authorities+h.hosts == 0 {
		return refuse(http.StatusBadRequest, codes.Internal, "no host or :authority header present")
	}
	if h.method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, codes.Internal, "Received a HEADERS frame with :method %q which should be POST", h.method)
	}
	return nil
}

func checkBinary(value string) error {
	encoding := base64.RawStdEncoding
	if len(value)%4 == 0 {
		encoding = base64.StdEncoding
	}
	_, err := encoding.DecodeString(value)
	return err
}

// isService reports whether a path is that of a method, known or not, of a gRPC
// service.
func (s *Server) isService(path string) bool {
	service, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return ok && s.services[service]
}

// Errors of a grpc-timeout, in grpc-go's words.
var timeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second,
	'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// parseTimeout reads a grpc-timeout: up to eight digits and a unit.
func parseTimeout(s string) (time.Duration, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("transport: timeout string is too short: %q", s)
	}
	if len(s) > 9 {
		return 0, fmt.Errorf("transport: timeout string is too long: %q", s)
	}
	unit, ok := timeoutUnits[s[len(s)-1]]
	if !ok {
		return 0, fmt.Errorf("transport: timeout unit is not recognized: %q", s)
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 64)
	if err != nil {
		return 0, err
	}
	if n > uint64(math.MaxInt64/int64(unit)) {
		return math.MaxInt64, nil
	}
	return unit * time.Duration(n), nil
}

// errDeadline answers a call whose deadline has passed.
var errDeadline = status.Error(codes.DeadlineExceeded, "context deadline exceeded")

// Errors of a message that is not framed as gRPC says, in grpc-go's words.
var (
	errNoMessage    = status.Error(codes.Internal, "cardinality violation: received no request message from non-client-streaming RPC")
	errMessages     = status.Error(codes.Internal, "cardinality violation: received multiple request messages for non-client-streaming RPC")
	errCutMessage   = status.Error(codes.Internal, "unexpected EOF")
	errCompressed   = status.Error(codes.Internal, "grpc: compressed flag set with identity or empty encoding")
	errSlowRequest  = status.Error(codes.DeadlineExceeded, "metastore: the request was not complete in time; nothing of it was done")
	errBuffersFull  = status.Error(codes.ResourceExhausted, "metastore: too many bytes of requests that are not complete")
	errCancelled    = status.Error(codes.Canceled, "context canceled")
	errDisconnected = errors.New("lean: the connection has ended")
)

func errTooLong(length, limit int) error {
	return status.Errorf(codes.ResourceExhausted, "grpc: received message larger than max (%d vs. %d)", length, limit)
}

func errFormat(format byte) error {
	return status.Errorf(codes.Internal, "grpc: received unexpected payload format %d", format)
}
