package ceiling

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestStallIsOnceAndAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stall{after: time.Second, length: 200 * time.Millisecond}
		call := func(ctx context.Context) (time.Duration, error) {
			began := time.Now()
			_, err := s.intercept(ctx, nil, nil, func(context.Context, any) (any, error) { return nil, nil })
			return time.Since(began), err
		}
		for _, step := range []struct{ wait, takes time.Duration }{
			{0, 0},                      // the first call sets the clock
			{999 * time.Millisecond, 0}, // just before
			{51 * time.Millisecond, 150 * time.Millisecond},
			{0, 0}, // just after its end
			{time.Minute, 0},
		} {
			time.Sleep(step.wait)
			took, err := call(t.Context())
			require.NoError(t, err)
			require.Equal(t, step.takes, took)
		}
		*s = stall{length: time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		took, err := call(ctx)
		require.Equal(t, codes.DeadlineExceeded, status.Code(err))
		require.Equal(t, time.Second, took, "who gives up need not wait")
	})
}
