//! The values that `integrity.bin` is made of, written and read.

use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};

use super::snapshot::{Ranges, SnapshotError};
use crate::kinesis::{SequenceNumber, ShardId};
use crate::measure::ledger::Phase;

/// Writes values.
pub(super) struct Sink<W: Write> {
    output: BufWriter<W>,
    checksum: crc32fast::Hasher,
}

impl<W: Write> Sink<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            output: BufWriter::new(output),
            checksum: crc32fast::Hasher::new(),
        }
    }

    /// Writes the checksum of everything.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let checksum = self.checksum.finalize();
        self.output.write_all(&checksum.to_be_bytes())?;
        self.output.flush()
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.output.write_all(bytes)
    }

    pub(super) fn count(&mut self, mut value: u64) -> io::Result<()> {
        let mut bytes = [0; 10];
        let mut len = 0;
        loop {
            bytes[len] = (value & 0x7f) as u8 | if value > 0x7f { 0x80 } else { 0 };
            value >>= 7;
            len += 1;
            if value == 0 {
                return self.bytes(&bytes[..len]);
            }
        }
    }

    /// Bytes after their number.
    pub(super) fn blob(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.count(bytes.len() as u64)?;
        self.bytes(bytes)
    }

    pub(super) fn optional(&mut self, number: Option<SequenceNumber>) -> io::Result<()> {
        self.count(u64::from(number.is_some()))?;
        number.map_or(Ok(()), |number| self.bytes(&number.to_be_bytes()))
    }

    pub(super) fn list<T>(
        &mut self,
        items: &[T],
        mut write: impl FnMut(&mut Self, &T) -> io::Result<()>,
    ) -> io::Result<()> {
        self.count(items.len() as u64)?;
        items.iter().try_for_each(|item| write(self, item))
    }

    pub(super) fn ranges(&mut self, ranges: &Ranges) -> io::Result<()> {
        let mut next = 0;
        self.list(&ranges.0, |sink, &(first, last)| {
            sink.count(first - next)?;
            sink.count(last - first)?;
            // Of the last sequence there is no next, nor a further range.
            next = last.saturating_add(1);
            Ok(())
        })
    }
}

/// Reads values.
pub(super) struct Source<R: Read> {
    input: BufReader<R>,
    checksum: crc32fast::Hasher,
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::new(input),
            checksum: crc32fast::Hasher::new(),
        }
    }

    /// Compares the checksum of everything; nothing may follow it.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let expected = self.checksum.clone().finalize().to_be_bytes();
        if self.bytes::<4>()? != expected {
            return Err(SnapshotError::Damaged("its checksum does not hold"));
        }
        if !self.input.fill_buf()?.is_empty() {
            return Err(SnapshotError::Damaged("something follows its end"));
        }
        Ok(())
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    /// Bytes after their number; memory grows with what is there, not with the number.
    pub(super) fn blob(&mut self) -> Result<Vec<u8>, SnapshotError> {
        let length = self.count()?;
        let mut bytes = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(SnapshotError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    pub(super) fn count(&mut self) -> Result<u64, SnapshotError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(SnapshotError::Damaged("a number has more than 64 bits"))
    }

    pub(super) fn narrow<T: TryFrom<u64>>(
        &mut self,
        what: &'static str,
    ) -> Result<T, SnapshotError> {
        T::try_from(self.count()?).map_err(|_| SnapshotError::Damaged(what))
    }

    pub(super) fn pair(&mut self) -> Result<[u64; 2], SnapshotError> {
        Ok([self.count()?, self.count()?])
    }

    pub(super) fn phase(&mut self) -> Result<Phase, SnapshotError> {
        let number: usize = self.narrow("phase")?;
        let phase = Phase::ALL.get(number).copied();
        phase.ok_or(SnapshotError::Damaged("phase"))
    }

    pub(super) fn shard(&mut self) -> Result<ShardId, SnapshotError> {
        ShardId::new(self.narrow("shard")?).ok_or(SnapshotError::Damaged("shard"))
    }

    pub(super) fn number(&mut self) -> Result<SequenceNumber, SnapshotError> {
        Ok(SequenceNumber::from_be_bytes(self.bytes()?))
    }

    pub(super) fn optional(&mut self) -> Result<Option<SequenceNumber>, SnapshotError> {
        match self.count()? {
            0 => Ok(None),
            1 => Ok(Some(self.number()?)),
            _ => Err(SnapshotError::Damaged("a mark is neither 0 nor 1")),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, SnapshotError>,
    ) -> Result<Vec<T>, SnapshotError> {
        let len = self.count()?;
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(read(self)?);
        }
        Ok(items)
    }

    pub(super) fn ranges(&mut self) -> Result<Ranges, SnapshotError> {
        let mut next = Some(0u64);
        let ranges = self.list(|source| {
            let (gap, length) = (source.count()?, source.count()?);
            if gap == 0 && next != Some(0) {
                return Err(SnapshotError::Damaged("two ranges touch"));
            }
            let first = next.and_then(|next| next.checked_add(gap));
            let last = first.and_then(|first| first.checked_add(length));
            let range = first.zip(last);
            next = last.and_then(|last| last.checked_add(1));
            range.ok_or(SnapshotError::Damaged("a range ends above 64 bits"))
        })?;
        Ok(Ranges(ranges))
    }
}
