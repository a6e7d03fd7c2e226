//! Where closed intervals go, so that a long run takes the memory of a short one.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Bytes that were put away.
#[derive(Debug)]
pub(super) enum Stored {
    /// In memory.
    Kept(Box<[u8]>),
    /// In the spool's file.
    InFile {
        offset: u64,
        bytes: usize,
        /// Of the bytes: what a disk gives back is not taken on trust.
        crc32: u32,
    },
}

/// An unnamed temporary file, made when first needed and gone with the process, however that ends.
///
/// Invariant: bytes that the file does not take stay in memory; a full disk costs memory and no figure.
#[derive(Debug, Default)]
pub(super) struct Spool {
    file: Option<File>,
    end: u64,
    refused: bool,
}

impl Spool {
    /// Puts bytes away.
    pub(super) fn put(&mut self, bytes: Vec<u8>) -> Stored {
        if bytes.is_empty() || self.refused {
            return Stored::Kept(bytes.into());
        }
        self.append(&bytes).unwrap_or_else(|_| {
            self.refused = true;
            Stored::Kept(bytes.into())
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<Stored> {
        let file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        let file = self.file.insert(file);
        file.write_all_at(bytes, self.end)?;
        let offset = self.end;
        self.end += bytes.len() as u64;
        Ok(Stored::InFile {
            offset,
            bytes: bytes.len(),
            crc32: crc32fast::hash(bytes),
        })
    }

    /// The bytes again.
    ///
    /// # Errors
    /// When the file does not give back what was written.
    pub(super) fn get<'a>(&self, stored: &'a Stored) -> io::Result<Cow<'a, [u8]>> {
        let (offset, bytes, crc32) = match *stored {
            Stored::Kept(ref bytes) => return Ok(Cow::Borrowed(bytes)),
            Stored::InFile {
                offset,
                bytes,
                crc32,
            } => (offset, bytes, crc32),
        };
        let mut read = vec![0; bytes];
        let file = self.file.as_ref();
        let file = file.ok_or_else(|| io::Error::other("the temporary file is not open"))?;
        file.read_exact_at(&mut read, offset)?;
        if crc32fast::hash(&read) != crc32 {
            let reason = "the temporary file of the run's intervals was damaged";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(Cow::Owned(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_away_comes_back_in_whatever_order() {
        let mut spool = Spool::default();
        let stored: Vec<_> = (0u8..5).map(|n| spool.put(vec![n; 10])).collect();
        assert!(matches!(stored[4], Stored::InFile { offset: 40, .. }));
        for (n, stored) in stored.iter().enumerate().rev() {
            assert_eq!(*spool.get(stored).unwrap(), [n as u8; 10]);
        }
    }

    #[test]
    fn bytes_that_the_file_does_not_take_stay_in_memory() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut spool = Spool {
            file: Some(full),
            ..Spool::default()
        };
        let stored = spool.put(vec![7; 3]);
        assert!(matches!(stored, Stored::Kept(_)));
        assert_eq!(*spool.get(&stored).unwrap(), [7; 3]);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_no_figure() {
        let mut spool = Spool::default();
        let stored = spool.put(vec![7; 3]);
        spool.file.as_ref().unwrap().write_all_at(&[8], 1).unwrap();
        assert!(spool.get(&stored).is_err());
    }
}
