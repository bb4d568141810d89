package door

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/collector/internal/cloudevent"
	"assay.example/assay/services/collector/internal/intake"
)

// firstRead is where a body's buffer begins. It grows as bytes arrive, so that a sender
// who announces much and sends little holds little.
const firstRead = 4 << 10

// mostAhead is how much larger a buffer becomes at once where so much is announced.
const mostAhead = 8

// ReadBody reads at most limit bytes, both as sent and as unpacked, and takes
// them from the lease as they come. The bytes read so far are returned with an
// error, too.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64, lease *intake.Lease) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var in io.Reader = http.MaxBytesReader(w, r.Body, limit)
	announced := r.ContentLength
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		unzip, err := gzip.NewReader(in)
		if err != nil {
			return nil, readError(err, limit)
		}
		in, announced = unzip, 0
	default:
		return nil, dictionary.Refuse(cloudevent.CodeMediaType, dictionary.Fault{
			Reason: "the Content-Encoding is neither gzip nor absent", Hint: "send gzip or plain bytes",
		})
	}
	return readAll(in, announced, limit, lease)
}

// Unzip reads at most limit unpacked bytes, and takes them from the lease as they come.
func Unzip(in io.Reader, limit int64, lease *intake.Lease) ([]byte, error) {
	unzip, err := gzip.NewReader(in)
	if err != nil {
		return nil, readError(err, limit)
	}
	return readAll(unzip, 0, limit, lease)
}

func readAll(in io.Reader, announced, limit int64, lease *intake.Lease) ([]byte, error) {
	if err := lease.Grow(firstRead); err != nil {
		return nil, err
	}
	buf := make([]byte, 0, firstRead)
	for {
		n, err := in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf[:limit], tooLarge(limit)
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, readError(err, limit)
		case len(buf) < cap(buf):
			continue
		}
		size := max(2*len(buf), min(mostAhead*len(buf), int(announced)+1)) // one more, to see the end
		if err := lease.Grow(int64(size - cap(buf))); err != nil {
			return nil, err
		}
		buf = append(make([]byte, 0, size), buf...)
	}
}

func tooLarge(limit int64) error {
	return dictionary.Refuse(dictionary.CodeTooLarge, dictionary.Fault{
		Reason: fmt.Sprintf("the body has more than %d bytes", limit), Hint: "send smaller batches, and digests instead of content",
	})
}

// codeTimeout is of a body that came too slowly.
const codeTimeout = "timeout"

func readError(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return dictionary.Refuse(codeTimeout, dictionary.Fault{
			Reason: "the body came too slowly", Hint: "send it at once, in smaller batches",
		})
	}
	return dictionary.Refuse(dictionary.CodeMalformed, dictionary.Fault{
		Reason: "the body can't be read to its end", Hint: "check Content-Encoding and Content-Length",
	})
}
