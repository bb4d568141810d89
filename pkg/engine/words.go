package engine

import "encoding/binary"

// words are short texts that stand one after the other in pieces.
type words struct {
	pieces [][]byte
	held   int // bytes in them
	waste  int // of those, in words that aren't wanted any more
}

// wordAt is where a word begins: the number of its piece, from 1, and how far in it.
type wordAt uint64

// The first piece is small, as most engines of a test end few items; then they double.
const (
	smallPiece = 1 << 10
	largePiece = 1 << 18
)

// add keeps a copy of a word.
func (w *words) add(word []byte) wordAt {
	var room [binary.MaxVarintLen64]byte
	length := binary.AppendUvarint(room[:0], uint64(len(word)))
	need, last := len(length)+len(word), len(w.pieces)-1
	if last < 0 || cap(w.pieces[last])-len(w.pieces[last]) < need {
		w.pieces = append(w.pieces, make([]byte, 0, max(need, min(largePiece, max(smallPiece, w.held)))))
		last++
	}
	at := wordAt(last+1)<<32 | wordAt(len(w.pieces[last]))
	w.pieces[last] = append(append(w.pieces[last], length...), word...)
	w.held += need
	return at
}

func (w *words) bytes(at wordAt) []byte {
	b := w.pieces[at>>32-1][uint32(at):]
	length, size := binary.Uvarint(b)
	return b[size : size+int(length)]
}

func (w *words) read(at wordAt) unpacking { return unpacking{rest: w.bytes(at)} }

// wasteful says that most of it isn't wanted.
func (w *words) wasteful() bool { return w.waste > largePiece && w.waste > w.held/2 }
