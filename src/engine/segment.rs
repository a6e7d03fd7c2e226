//! A run of one shard's records in one piece of memory.
//!
//! Readers are given views. To make one of fresh records the filled part of the memory is split off and frozen; so a
//! segment is a row of frozen chunks and the tail that is still written. Chunks end at frame boundaries.

use bytes::{Bytes, BytesMut};

use super::pool::Returned;
use crate::base::Timestamp;
use crate::kinesis::record::{
    FRAME_HEADER_BYTES, FrameHeader, PutEntry, frame_bytes, read_header, write_frame,
};

/// One index entry per so many records: finding a record reads at most as many headers.
const STRIDE: u64 = 16;

/// A tail shorter than this is copied to a reader: a chunk of its own would cost more memory than that saves time.
const TAIL_COPY_BYTES: usize = 4_096;

#[derive(Debug)]
pub(super) struct Segment {
    /// Its number in the account: smaller is older.
    pub(super) ordinal: u64,
    /// The counter of its first record.
    pub(super) first: u64,
    /// The counter after its last record.
    pub(super) end: u64,
    /// When its last record arrived.
    pub(super) last_arrival: Timestamp,
    /// The bytes of memory that it holds.
    pub(super) capacity: usize,
    /// Where every 16th record begins.
    index: Vec<u32>,
    chunks: Vec<Chunk>,
    tail: BytesMut,
    /// Where the tail begins.
    tail_start: usize,
}

#[derive(Debug)]
struct Chunk {
    start: usize,
    bytes: Bytes,
}

impl Segment {
    pub(super) fn new(ordinal: u64, first: u64, memory: BytesMut, capacity: usize) -> Self {
        Self {
            ordinal,
            first,
            end: first,
            last_arrival: Timestamp::ZERO,
            capacity,
            index: Vec::new(),
            chunks: Vec::new(),
            tail: memory,
            tail_start: 0,
        }
    }

    /// Bytes of frames in it.
    fn filled(&self) -> usize {
        self.tail_start + self.tail.len()
    }

    /// Whether `entry` still fits.
    pub(super) fn has_room(&self, entry: &PutEntry<'_>) -> bool {
        frame_bytes(entry) <= self.capacity - self.filled()
    }

    /// Appends a record that fits.
    pub(super) fn push(&mut self, arrival: Timestamp, entry: &PutEntry<'_>) {
        if self.index.capacity() == 0 {
            // The first record tells about how many there will be: growing step by step would allocate for many a record.
            let records = self.capacity / frame_bytes(entry).max(1);
            self.index.reserve_exact(records / STRIDE as usize + 1);
        }
        if (self.end - self.first).is_multiple_of(STRIDE) {
            self.index.push(self.filled() as u32);
        }
        write_frame(&mut self.tail, self.end, arrival, entry);
        self.end += 1;
        self.last_arrival = arrival;
    }

    /// Ends writing: what remains of the tail becomes a chunk.
    pub(super) fn seal(&mut self) {
        self.freeze();
        self.tail = BytesMut::new();
        self.index.shrink_to_fit();
        self.chunks.shrink_to_fit();
    }

    fn freeze(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let bytes = self.tail.split().freeze();
        let start = self.tail_start;
        self.tail_start += bytes.len();
        self.chunks.push(Chunk { start, bytes });
    }

    /// The frames from `offset` to the end of the chunk it lies in; empty at the end of the segment.
    fn frames_at(&self, offset: usize) -> &[u8] {
        if offset >= self.tail_start {
            return self.tail.get(offset - self.tail_start..).unwrap_or(&[]);
        }
        let chunk = &self.chunks[self.chunk_of(offset)];
        &chunk.bytes[offset - chunk.start..]
    }

    fn chunk_of(&self, offset: usize) -> usize {
        self.chunks
            .partition_point(|chunk| chunk.start <= offset)
            .saturating_sub(1)
    }

    /// Where the record with this counter begins; the end of the frames for `self.end`.
    fn offset_of(&self, counter: u64) -> usize {
        if counter >= self.end {
            return self.filled();
        }
        let record = counter - self.first;
        let mut offset = self.index[(record / STRIDE) as usize] as usize;
        let mut frames = self.frames_at(offset);
        for _ in 0..record % STRIDE {
            let Some(header) = read_header(frames) else {
                break;
            };
            offset += header.bytes;
            frames = &frames[header.bytes..];
            if frames.is_empty() {
                frames = self.frames_at(offset);
            }
        }
        offset
    }

    fn header_of(&self, counter: u64) -> Option<FrameHeader> {
        read_header(self.frames_at(self.offset_of(counter)))
    }

    /// When the record with this counter arrived.
    pub(super) fn arrival_of(&self, counter: u64) -> Timestamp {
        self.header_of(counter)
            .map_or(self.last_arrival, |header| header.arrival)
    }

    /// Bytes of data and keys of the records from `from` until before `until`.
    pub(super) fn billed_bytes(&self, from: u64, until: u64) -> u64 {
        let frames = self.offset_of(until) - self.offset_of(from);
        frames as u64 - (until - from) * FRAME_HEADER_BYTES as u64
    }

    /// The first counter from `from` to `until` for which `below` is false; `below` must be true, then false.
    pub(super) fn partition(
        &self,
        from: u64,
        until: u64,
        below: impl Fn(&Self, u64) -> bool,
    ) -> u64 {
        let (mut low, mut high) = (from, until);
        while low < high {
            let middle = low + (high - low) / 2;
            if below(self, middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Adds views of the records from `from` until before `until`.
    pub(super) fn view(&mut self, from: u64, until: u64, views: &mut Vec<Bytes>) {
        let (mut start, end) = (self.offset_of(from), self.offset_of(until));
        if end > self.tail_start && self.tail.len() >= TAIL_COPY_BYTES {
            self.freeze();
        }
        while start < end.min(self.tail_start) {
            let chunk = &self.chunks[self.chunk_of(start)];
            let stop = end.min(chunk.start + chunk.bytes.len());
            views.push(chunk.bytes.slice(start - chunk.start..stop - chunk.start));
            start = stop;
        }
        if start < end {
            let tail = &self.tail[start - self.tail_start..end - self.tail_start];
            views.push(Bytes::copy_from_slice(tail));
        }
    }

    /// Gives the memory back.
    pub(super) fn into_memory(mut self) -> Returned {
        if self.chunks.is_empty() {
            return Returned::Whole(self.tail);
        }
        Returned::Shared(self.chunks.swap_remove(0).bytes)
    }

    /// Bytes that bookkeeping takes beside the memory.
    #[cfg(test)]
    pub(super) fn overhead_bytes(&self) -> usize {
        size_of::<Self>()
            + self.index.capacity() * size_of::<u32>()
            + self.chunks.capacity() * size_of::<Chunk>()
    }
}
