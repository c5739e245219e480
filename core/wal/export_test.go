package wal

// FramesEnd returns where the frames of a segment end that can be read.
func FramesEnd(data []byte, seq uint64) int64 {
	off := int64(firstFrameOffset)
	for {
		_, _, next, stop := nextFrame(data, seq, off)
		if stop != nil {
			return withStamp(off)
		}
		off = next
	}
}
