// Package wal is the Raft log on disk: entries, the hard state and snapshot
// marks, in segments that survive power cuts. It knows nothing of the Raft
// library. What makes a log durable when is a [Policy]; the values of that axis
// are in variants/wal.
//
// # Files
//
// A log is a directory of segments named SEQUENCE-FIRSTINDEX.wal, both as 16
// hexadecimal digits. Sequence numbers have no gaps. A segment is a preamble
// (segment.go) and frames (frame.go), each of which holds records (records.go);
// behind the frames there is zeroed space. The first frame of a segment repeats
// identity, hard state, snapshot mark and last entry, so that older segments can
// be removed, and says where the previous segment ended.
//
// # Write path
//
//  1. Append checks the order of entries and hard state; a call that breaks it
//     changes nothing.
//  2. All records of the call are encoded into one reused buffer, which becomes
//     one frame with a CRC-32C and the offset up to which this segment is known
//     to be durable.
//  3. If the frame would overrun the segment, the segment is synced, and the next
//     one is written under a temporary name, synced, renamed, and its directory
//     synced.
//  4. The frame is written with one call, over zeros that were written ahead in
//     pieces of 256 KiB (a frame of that size or more is appended instead).
//  5. Sync is one fdatasync. Only then may anything be acknowledged.
//  6. SaveSnapshot is a frame and a sync. Truncate removes segments that a mark
//     made superfluous, oldest first, syncing the directory after each.
//  7. Close syncs, writes a close record, which claims all before it to be
//     durable, and syncs again.
//
// Any failed write, sync, rename or removal poisons the log for good: [ErrFailed].
//
// # Recovery
//
//  1. List the segments; a gap in their numbers is corruption.
//  2. Read each in order: preamble, first frame, frames. The first frame must
//     agree with all that was read before, to the byte at which the previous
//     segment ended.
//  3. Where no frame can be read, at offset X, decide (recovery.judge):
//     zeros to the end of the file are the end of the log. Anything else is a
//     torn tail only if this is the last segment, no later frame claims that the
//     segment was durable beyond X, and it looks torn: some sector's part of the
//     frame is all zero, or the frame runs past the end of the file. Otherwise it
//     is [ErrCorrupt].
//  4. Check that no entry between the mark and the last one is missing.
//  5. Only now modify: zero the torn tail, write once more the frames that no
//     other frame claims to be durable, and sync.
//
// # Crash cases
//
//	crash during                 what recovery finds
//	Append, before Sync          any subset of the sectors: a prefix of the frames
//	Sync                         the same
//	extending with zeros         a shorter file, or zeros: the end of the log
//	a segment's creation         a temporary file, which is removed, or a segment
//	                             without entries, which is used
//	Truncate                     a run of segments without a hole
//	recovery itself              what the crash before left, or less of its tail
//
// # Assumptions about the system
//
//   - A sector of 512 bytes is written wholly or not at all.
//   - Space that was never written reads as zeros, as does what was zeroed and
//     not written since.
//   - A sync that succeeds has made the data durable, and a synced directory its
//     names; a rename is atomic.
//   - No other process writes to the directory; the caller holds the lock.
//
// # What is found, and what is not
//
// Any damaged bit or byte within the frames of an acknowledged log is found
// (TestEveryDamagedByte flips them all). That needs no frame to look torn when it
// is not: frames are aligned to 32 bytes, so that no sector holds less of one,
// and payloads are XORed with a noise table, so that zeros in values are not
// zeros on disk. The same test covers sectors that turn zero wherever a later
// frame or segment claims them (TestZeroedSectors).
//
// Not found:
//
//   - The loss of whole sectors (turned to zeros, or cut off with the file's
//     end) of the last frames, those that no later frame claims to be durable:
//     that is what a torn write looks like. A close record claims everything
//     before it.
//   - The removal of the newest segments, or of all. Damage to the zeroed space
//     behind the frames is refused or cut; it holds nothing.
//   - A damaged bit in one of those last frames if its payload equals the noise
//     table over a whole sector, which a client would have to do on purpose.
//   - A deliberate change with new checksums. There is no authentication.
//
// # Why it is made this way
//
// Zeros ahead: BenchmarkRawSync writes the same bytes to a file that grows, to
// space from fallocate, and to zeros. On ext4 on a virtio disk, zeros took about
// 0.13 ms for 256 bytes against 0.20 and 0.18 ms, because fdatasync then has no
// metadata to commit (fallocate leaves extents to be converted). For 400 KiB in
// one frame appending is faster, hence the exception in step 4.
//
// Own framing: BenchmarkAppendSync takes about as long as BenchmarkRawSync
// with zeros, and BenchmarkPebbleRecordSync took 1.6 to 2.3 times as long up to
// 40 KiB a sync: pebble's writer hands over to a goroutine and lets the file
// grow. Its sync offsets, which tell damage from torn tails, are where ours come
// from; github.com/hashicorp/raft-wal is the model for stating the cases above.
package wal
