// Package wal is the Raft log on disk: entries, the hard state and snapshot
// marks, in segments that survive power cuts. It knows nothing of the Raft
// library. What makes a log durable when is a [Policy]; the values of that axis
// are in variants/wal.
//
// # Files
//
// A log is a directory of segments named SEQUENCE-FIRSTINDEX.wal, both as 16
// hexadecimal digits. Sequence numbers have no gaps. A segment is a preamble
// (segment.go) and sectors (sector.go) that hold frames (frame.go), each of which
// holds records (records.go); behind the frames there is zeroed space or, in a
// recycled file, what an older segment left there. The first frame of a segment
// repeats identity, hard state, snapshot mark and last entry, so that older
// segments can be removed, and says where the previous segment ended.
//
// # Write path
//
//  1. Append checks the order of entries and hard state; a call that breaks it
//     changes nothing.
//  2. All records of the call are encoded into one reused buffer, which becomes
//     one frame with a CRC-32C and the offset up to which this segment is known
//     to be durable. It is laid out over sectors, each with a stamp that says for
//     which segment it was written, and zeros up to the end of the page.
//  3. If the frame would overrun the segment, the segment is synced, and the next
//     one is begun: in a spare file, whose front is overwritten and synced, or in
//     a new one under a temporary name. Then the file is renamed and its
//     directory synced.
//  4. The frame is written with one call: over what a recycled file holds, or
//     over zeros that were written ahead in pieces of 256 KiB (a frame of that
//     size or more is appended instead).
//  5. Sync is one fdatasync. Only then may anything be acknowledged.
//  6. SaveSnapshot is a frame and a sync. Truncate removes segments that a mark
//     made superfluous, oldest first, syncing the directory after each. Up to two
//     of their files get a temporary name instead, and wait to be recycled.
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
//  3. Where no frame can be read, at offset X, decide (recovery.judge): if
//     nothing behind X was written for this segment, it is the end of the log.
//     Anything else is a torn tail only if this is the last segment, no later
//     frame claims that the segment was durable beyond X, and it looks torn: a
//     sector that the frame reaches into was not written (it is zero, or has the
//     stamp of an older segment), or the frame runs past the end of the file.
//     Otherwise it is [ErrCorrupt].
//  4. Check that no entry between the mark and the last one is missing.
//  5. Only now modify: remove files with temporary names, zero the torn tail,
//     write once more the frames that no other frame claims to be durable, and
//     sync.
//
// # Recycled files
//
// A file that is recycled is full of frames of older segments. None of them can
// be taken for one of the new segment:
//
//   - The CRC of a frame's header covers the segment's sequence number and the
//     frame's offset.
//   - A sector that was not written carries the stamp of an older segment, which
//     is checked before any frame in it is read.
//   - A file is recycled only by the Log that removed its segment. Spare files
//     have temporary names, which Open removes, so that no file is used for the
//     same sequence number twice, whatever a crash leaves of a segment's creation.
//   - A spare file is overwritten only after its directory was synced without the
//     segment that it was.
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
// (TestEveryDamagedByte flips them all, also in recycled files). That needs no
// sector to look unwritten when it is not: no stamp is zero, and one that is
// damaged is no older segment's, because it has a CRC. The same tests cover
// sectors that turn zero, or back to what an older segment left there, wherever a
// later frame or segment claims them (TestLostSectors).
//
// Not found:
//
//   - The loss of whole sectors (turned to zeros or to what was there before, or
//     cut off with the file's end) of the last frames, those that no later frame
//     claims to be durable: that is what a torn write looks like. A close record
//     claims everything before it.
//   - The removal of the newest segments, or of all. Damage to the space behind
//     the frames is refused, cut or ignored; it holds nothing.
//   - A deliberate change with new checksums. There is no authentication.
//
// # Why it is made this way
//
// Zeros ahead, and files recycled: BenchmarkRawSync writes the same bytes to a
// file that grows, to space from fallocate, to zeros, and over older data. An
// overwrite leaves fdatasync no metadata to commit (fallocate leaves extents to
// be converted), and in a recycled file not even zeros have to be written before.
// For 400 KiB in one frame appending is faster than zeros ahead, hence the
// exception in step 4. Whole pages are written, because the kernel would have to
// read the rest of a page of a recycled file. At 64 KiB a batch, on ext4 on a
// virtio disk, the log in recycled files reached 0.75, 0.91 and 0.94 of the
// overwrite's rate in three pairs of runs, in new files about half of it.
//
// Own framing: BenchmarkAppendSync against BenchmarkRawSync is what the framing
// costs, and BenchmarkPebbleRecordSync is pebble's: its writer hands over to a
// goroutine and lets the file grow. The module in walbench compares with
// hashicorp/raft-wal and with etcd's log. Pebble's sync offsets, which tell
// damage from torn tails, are where ours come from; raft-wal is the model for
// stating the cases above.
package wal
